"""`auditroll export`: write an evidence bundle that verifies offline."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from auditroll import clock
from auditroll.cli.client import Client, add_connection, connect
from auditroll.cli.output import print_json
from auditroll.errors import CollectorError
from auditroll.export import BundleWriter


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_connection(parser)
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="a new folder")
    parser.add_argument(
        "--stream",
        action="append",
        nargs="+",
        default=[],
        metavar="ID",
        help="streams to export (default: all you may read)",
    )
    parser.epilog = (
        "Example: auditroll export --bundle evidence-2026-11 && auditroll verify evidence-2026-11"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the bundle; the heads are fixed first, then the lines up to them are fetched."""
    client = connect(arguments)
    wanted = [stream for group in arguments.stream for stream in group]
    heads = client.post("/v1/exports", {"streams": wanted})
    writer = BundleWriter(arguments.bundle)
    records = 0
    for head in heads["streams"]:
        writer.add_text(f"streams/{head['stream']}/checkpoint", head["checkpoint"])
        records += _copy(client, writer, head["stream"], head["size"])
        if not arguments.json:
            print(f"{head['stream']}  {head['size']} records", file=sys.stderr)
    writer.add_trust(heads["trust"])
    writer.finish(clock.now_ms())
    if arguments.json:
        print_json({"bundle": str(arguments.bundle), "records": records})
    else:
        print(f"{arguments.bundle}: {records} records in {len(heads['streams'])} streams")
    return 0


def _copy(client: Client, writer: BundleWriter, stream: str, size: int) -> int:
    written = writer.add_lines(stream, _lines(client, stream, size))
    if written != size:
        raise CollectorError(
            "incomplete", f"stream {stream}: {written} of {size} records arrived", hint="Try again."
        )
    return written


def _lines(client: Client, stream: str, size: int) -> Iterator[bytes]:
    if not size:
        return
    rest = b""
    for piece in client.stream(f"/v1/streams/{stream}/lines?first=0&end={size}"):
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in lines)
    if rest:
        raise CollectorError("incomplete", f"stream {stream} ended within a record")
