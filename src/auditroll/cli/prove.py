"""`auditroll prove`: write the proof of one record."""

import argparse
import sys
from pathlib import Path

from auditroll.cli.client import add_connection, connect
from auditroll.cli.output import print_json


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_connection(parser)
    parser.add_argument("stream", help="stream id (32 hex digits)")
    parser.add_argument("index", type=int, help="index in the stream, from 0")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    parser.description = (
        "Write the proof of one record as a C2SP tlog-proof file: index, audit path and signed "
        "checkpoint. With --json also the record's line, whose leaf the proof is about."
    )
    parser.epilog = (
        "Example: auditroll prove a6893fca26dafb2ab02e0eb72db02062 7 --output r7.tlog-proof"
    )


def run(arguments: argparse.Namespace) -> int:
    """Fetch the proof and write it."""
    client = connect(arguments)
    proof = client.get(f"/v1/records/{arguments.stream}/{arguments.index}/proof")
    if arguments.json:
        print_json(proof)
    elif arguments.output:
        arguments.output.write_text(proof["tlog_proof"], encoding="utf-8")
    else:
        sys.stdout.write(proof["tlog_proof"])
    return 0
