"""`auditroll export`: write an evidence bundle that verifies offline."""

import argparse
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from auditroll import clock
from auditroll.cli.client import Client, add_connection, connect
from auditroll.cli.output import print_json
from auditroll.errors import CollectorError
from auditroll.event.fields import SLOTS
from auditroll.export import BundleWriter
from auditroll.tlog import encode_line, parse_line, withhold


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
    parser.add_argument(
        "--withhold",
        action="append",
        choices=SLOTS,
        default=[],
        metavar="SLOT",
        help="leave out these values, which stay provable; may repeat: " + " ".join(SLOTS),
    )
    parser.epilog = (
        "Example: auditroll export --bundle evidence-2026-11 && auditroll verify evidence-2026-11"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the bundle; the heads are fixed first, then the lines up to them are fetched."""
    client = connect(arguments)
    wanted = [stream for group in arguments.stream for stream in group]
    writer = BundleWriter(arguments.bundle)
    heads = client.post("/v1/exports", {"streams": wanted})
    records = 0
    for head in heads["streams"]:
        writer.add_text(f"streams/{head['stream']}/checkpoint", head["checkpoint"])
        # Only records of people are cut; the log's own facts excuse what is absent elsewhere.
        hide: list[str] = arguments.withhold if head["kind"] == "data" else []
        records += _copy(client, writer, head, hide)
        if not arguments.json:
            print(f"{head['stream']}  {head['size']:,} records", file=sys.stderr)
    writer.add_trust(heads["trust"])
    writer.finish(clock.now_ms())
    if arguments.json:
        print_json({"bundle": str(arguments.bundle), "records": records})
    else:
        print(f"{arguments.bundle}: {records:,} records in {len(heads['streams'])} streams")
    return 0


def _copy(
    client: Client, writer: BundleWriter, head: Mapping[str, Any], hide: Collection[str]
) -> int:
    stream, size = head["stream"], head["size"]
    lines = _lines(client, stream, size)
    written = writer.add_lines(stream, _without(lines, hide) if hide else lines)
    if written != size:
        raise CollectorError(
            "incomplete", f"stream {stream}: {written} of {size} records arrived", hint="Try again."
        )
    return written


def _without(lines: Iterator[bytes], hide: Collection[str]) -> Iterator[bytes]:
    for line in lines:
        yield encode_line(withhold(parse_line(line[:-1]), hide))


def _lines(client: Client, stream: str, size: int) -> Iterator[bytes]:
    if not size:
        return
    rest = b""
    for piece in client.stream(f"/v1/streams/{stream}/lines?first=0&end={size}"):
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in lines)
    if rest:
        raise CollectorError("incomplete", f"stream {stream} ended within a record")
