"""`auditroll status`: tell what runs and what lags."""

import argparse

from auditroll.cli.client import add_connection, connect
from auditroll.cli.output import print_json, printable


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_connection(parser)
    parser.epilog = "Example: auditroll status --ready-file run/ready.json"


def run(arguments: argparse.Namespace) -> int:
    """Print the state; exit 1 if the collector calls itself unhealthy."""
    status = connect(arguments).get("/v1/status")
    if arguments.json:
        print_json(status)
    else:
        for name, value in status.items():
            print(f"{name:<24}{printable(str(value))}")
    return 0 if status["healthy"] else 1
