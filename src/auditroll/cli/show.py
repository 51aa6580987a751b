"""`auditroll show`: show one record."""

import argparse

from auditroll.cli.client import add_connection, connect
from auditroll.cli.output import print_json, printable


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_connection(parser)
    parser.add_argument("stream", help="stream id (32 hex digits)")
    parser.add_argument("index", type=int, help="index in the stream, from 0")
    parser.epilog = "Example: auditroll show a6893fca26dafb2ab02e0eb72db02062 7"


def run(arguments: argparse.Namespace) -> int:
    """Print the record by the questions an auditor asks."""
    record = connect(arguments).get(f"/v1/records/{arguments.stream}/{arguments.index}")
    if arguments.json:
        print_json(record)
        return 0
    for question, fields in record["questions"].items():
        print(question.upper())
        for name, value in fields.items():
            print(f"  {name:<24}{printable(str(value))}")
    return 0
