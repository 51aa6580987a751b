"""`auditroll streams`: list the streams and their heads."""

import argparse

from auditroll.cli.client import add_connection, connect
from auditroll.cli.output import print_json, print_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_connection(parser)
    parser.epilog = "Example: auditroll streams --json"


def run(arguments: argparse.Namespace) -> int:
    """Print one line a stream."""
    streams = connect(arguments).get("/v1/streams")["streams"]
    if arguments.json:
        print_json({"streams": streams})
        return 0
    print_table(
        ("STREAM", "KIND", "TENANT", "CLASS", "SIZE", "SEALED", "ROOT"),
        [
            (
                row["stream"],
                row["kind"],
                row.get("tenant", ""),
                row.get("data_class", ""),
                str(row["size"]),
                str(row["sealed"]),
                row["root"][:16],
            )
            for row in streams
        ],
    )
    return 0
