"""`auditroll verify`: judge a data folder or an evidence bundle."""

import argparse
import fcntl
import sys
from collections.abc import Callable
from pathlib import Path

from auditroll.errors import Error
from auditroll.keys import KeyStore
from auditroll.verify import ArchiveReader, FolderReader, Report, Trust, verify_bundle
from auditroll.verify.report import NO_STREAM

EXIT_USAGE = 3
SHOWN_FINDINGS = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "path", type=Path, metavar="PATH", help="a data folder, a stream's folder, or a bundle"
    )
    parser.add_argument(
        "--trust", type=Path, metavar="FILE", help="your own trust file: keys, and what must exist"
    )
    parser.add_argument("--json", action="store_true", help="print the report as canonical JSON")
    parser.description = (
        "Exit codes: 0 ok, expired or redacted; 1 any damage; 2 cannot judge, or key unknown;\n"
        "3 wrong usage. Nothing that was not checked is called ok."
    )
    parser.epilog = "Example: auditroll verify evidence-2026-11 --trust trust.json"


def run(arguments: argparse.Namespace) -> int:
    """Verify, print the report, and return its exit code."""
    try:
        trust = Trust.parse(arguments.trust.read_bytes()) if arguments.trust else None
    except (OSError, Error) as error:
        print(f"auditroll: the trust file cannot be used: {error}", file=sys.stderr)
        return EXIT_USAGE
    if not arguments.path.exists():
        print(f"auditroll: {arguments.path} does not exist", file=sys.stderr)
        return EXIT_USAGE
    report = _verify(arguments.path, trust)
    if arguments.json:
        sys.stdout.write(report.as_json().decode() + "\n")
    else:
        _print(report, own_trust=trust is not None)
    return report.exit


def _verify(path: Path, trust: Trust | None) -> Report:
    if path.is_file():
        return verify_bundle(ArchiveReader(path), trust)
    if (path / "streams").is_dir() and (path / "journal").is_dir():
        return _verify_folder(path, trust)
    if path.parent.name == "streams" and (path.parent.parent / "journal").is_dir():
        report = _verify_folder(path.parent.parent, trust)
        report.findings = [one for one in report.findings if one.stream == path.name]
        return report
    return verify_bundle(FolderReader(path), trust)


def _verify_folder(folder: Path, trust: Trust | None) -> Report:
    """Verify a data folder; nothing in it is changed."""
    # The server's extras: segments are Parquet.
    from auditroll.verify.datadir import verify_installation

    # Read first, so that it asks for nothing that a running server is still to write.
    try:
        trust = trust or Trust.parse((folder / "keys" / "trust.json").read_bytes())
    except (OSError, Error):
        report = Report()
        report.add("cannot-judge", NO_STREAM, 0, 0, "keys/trust.json is missing; use --trust")
        return report
    running = _is_running(folder)
    return verify_installation(FolderReader(folder), trust, _key_of(folder), running=running)


def _key_of(folder: Path) -> Callable[[str], bytes | None]:
    """Return the folder's keys, or none: without them the evidence cannot be read."""
    if not (folder / "keys" / "master.key").is_file():
        return lambda _key_id: None
    keys = KeyStore(folder / "keys")

    def key_of(key_id: str) -> bytes | None:
        try:
            return keys.get(key_id)
        except (KeyError, Error):
            return None

    return key_of


def _is_running(folder: Path) -> bool:
    """Tell whether a process holds the folder's lock."""
    try:
        with (folder / "run" / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _print(report: Report, *, own_trust: bool) -> None:
    counts = report.counts
    print(f"{report.verdict}: {counts.records:,} records checked", end="")
    for name in ("redacted", "withheld", "leaf_only"):
        if number := getattr(counts, name):
            print(f", {number:,} {name.replace('_', ' ')}", end="")
    print()
    for finding in report.findings[:SHOWN_FINDINGS]:
        place = f"stream {finding.stream}  records [{finding.first}, {finding.end})"
        print(f"  {finding.verdict:<20} {place}  {finding.where}".rstrip())
    if len(report.findings) > SHOWN_FINDINGS:
        print(f"  and {len(report.findings) - SHOWN_FINDINGS} more; --json shows all")
    if not own_trust:
        print("  judged by the trust file that came with it; pass your own with --trust")
