"""`auditroll ingest`: read an existing log into auditroll."""

import argparse
import sys
import time
from pathlib import Path

from auditroll.cli.client import ReadyFile, add_connection
from auditroll.cli.output import print_json, printable
from auditroll.ingest import FORMATS, MappingFile, Summary, ingest_path
from auditroll.wire import ProducerCredential

PROGRESS_S = 0.5


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_connection(parser)
    parser.add_argument("--format", required=True, choices=FORMATS)
    parser.add_argument("path", metavar="PATH", help="the log; `-` is standard input")
    parser.add_argument("--service", metavar="NAME", help="service_name of the records")
    parser.add_argument(
        "--environment",
        default="production",
        choices=("production", "staging", "test", "development"),
    )
    parser.add_argument("--mapping", type=Path, metavar="FILE", help="for json: path to field")
    parser.add_argument(
        "--trust-proxy",
        action="append",
        default=[],
        metavar="NETWORK",
        help="believe forwarded addresses from this network; may repeat",
    )
    parser.add_argument("--source", metavar="NAME", help="name of the source, if its path changes")
    parser.add_argument("--follow", action="store_true", help="go on as the file grows")
    parser.add_argument("--credential", type=Path, metavar="FILE", help="another producer's file")
    parser.description = (
        "Every line becomes a record or is quarantined with a reason; started again, it goes on\n"
        "behind what the collector has."
    )
    parser.epilog = "Example: auditroll ingest --format combined /var/log/nginx/access.log"


def run(arguments: argparse.Namespace) -> int:
    """Send the log and print the count."""
    credential = _credential(arguments)
    mapping = MappingFile.decode(arguments.mapping.read_bytes()) if arguments.mapping else None
    progress = _Progress(arguments.path) if sys.stderr.isatty() else None
    summary = ingest_path(
        arguments.path,
        arguments.format,
        credential,
        service=arguments.service,
        environment=arguments.environment,
        mapping=mapping,
        trusted_proxies=arguments.trust_proxy,
        source_name=arguments.source,
        follow=arguments.follow,
        progress=progress,
    )
    if progress is not None:
        progress.end()
    _print(summary, machine=arguments.json)
    return 0


def _credential(arguments: argparse.Namespace) -> ProducerCredential:
    path = arguments.credential or ReadyFile.read(arguments.ready_file).producer_key_file
    return ProducerCredential.decode(path.read_bytes())


def _print(summary: Summary, *, machine: bool) -> None:
    counts = {
        "lines": summary.lines,
        "accepted": summary.accepted,
        "duplicates": summary.duplicates,
        "quarantined": summary.quarantined,
    }
    if machine:
        print_json(counts)
        return
    print("  ".join(f"{name} {count:,}" for name, count in counts.items()))
    for reason, count in sorted(summary.reasons.items()):
        print(f"  quarantined {count:,}: {printable(reason)}")
    for notice in summary.notices:
        print(f"  {printable(str(notice))}")


class _Progress:
    """One line on the terminal: lines, share of the file, lines a second."""

    def __init__(self, path: str) -> None:
        self._size = Path(path).stat().st_size if Path(path).is_file() else 0
        self._start = self._shown = time.monotonic()

    def __call__(self, summary: Summary, octets: int) -> None:
        """Show how far the run is."""
        now = time.monotonic()
        if now - self._shown < PROGRESS_S:
            return
        self._shown = now
        share = f"{min(octets / self._size, 1):>4.0%}  " if self._size else ""
        rate = summary.lines / max(now - self._start, 0.001)
        sys.stderr.write(f"\r{share}{summary.lines:,} lines  {rate:,.0f}/s  ")
        sys.stderr.flush()

    def end(self) -> None:
        """Clear the line."""
        sys.stderr.write("\r\x1b[K")
