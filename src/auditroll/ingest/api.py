"""Ingest a log: the one function that the command line calls."""

import io
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from auditroll.errors import PolicyError
from auditroll.event.fields import FIELDS
from auditroll.event.grammar import GRAMMARS
from auditroll.ingest.build import Builder
from auditroll.ingest.combined import parse_combined
from auditroll.ingest.entry import Entry
from auditroll.ingest.hops import Proxies
from auditroll.ingest.jsonlines import JsonReader
from auditroll.ingest.mapping import DEFAULT_MAPPING, MappingFile
from auditroll.ingest.port import CollectorPort
from auditroll.ingest.session import Following, Parse, Progress, Session
from auditroll.ingest.source import FileSource, PipeSource, Source
from auditroll.ingest.tally import Summary
from auditroll.wire import ProducerCredential

__all__ = ["FORMATS", "PATIENCE_S", "STANDARD_INPUT", "ingest_path", "reader_for"]

STANDARD_INPUT: Final = "-"
# How long the collector may be away; the source is not lost meanwhile, so a person decides after.
PATIENCE_S: Final = 3_600.0


def _combined(_mapping: MappingFile | None) -> Parse:
    return _parse_combined


def _json(mapping: MappingFile | None) -> Parse:
    return JsonReader(mapping or DEFAULT_MAPPING).parse


FORMATS: Final[Mapping[str, Callable[[MappingFile | None], Parse]]] = {
    "combined": _combined,
    "json": _json,
}


def ingest_path(
    path: Path | str,
    format: str,  # noqa: A002  the option's name
    credential: ProducerCredential,
    *,
    service: str | None = None,
    environment: str = "production",
    mapping: MappingFile | None = None,
    trusted_proxies: Sequence[str] = (),
    source_name: str | None = None,
    follow: bool = False,
    stop: threading.Event | None = None,
    progress: Progress | None = None,
    patience_s: float = PATIENCE_S,
) -> Summary:
    """Send every line of a log to the collector: stored, a duplicate, or quarantined with a reason.

    Started again, it goes on behind what the collector has. A line is sent before the next batch
    is acknowledged at most twice over; memory stays flat.

    Args:
        path: Of the log; `-` is standard input.
        format: `combined` or `json`.
        credential: Whose records they become.
        service: The `service_name`; by default the credential's only service, else `access-log`.
        environment: production, staging, test or development.
        mapping: For `json`: which path is which field; by default the names of common loggers.
        trusted_proxies: Networks whose forwarded addresses are believed.
        source_name: Name of the source in its epoch, by default the resolved path; give it where
            the same log is found under several paths.
        follow: Go on when the end is reached: rotation and truncation are noticed.
        stop: Ends following once set.
        progress: Told the count and the octets read after each answer.
        patience_s: How long the collector may be away.

    Raises:
        PolicyError: `unknown-format`, `bad-option`, `bad-network`, `no-such-log`,
            `pipe-too-long`.
        AccessError: `unauthenticated`.
        ProducerError: `collector-refused`, `source-behind`.
        CollectorError: `collector-unreachable`, `bad-answer`; nothing is lost.
    """
    parse = reader_for(format, mapping)
    source, following = _source(str(path), source_name, stop or threading.Event(), follow=follow)
    builder = Builder(
        credential,
        _checked("service_name", service or _service(credential)),
        _checked("environment", environment),
        Proxies(trusted_proxies),
    )
    port = CollectorPort(credential, patience_s)
    try:
        return Session(source, parse, builder, port, progress).run(following)
    finally:
        port.close()


def reader_for(format: str, mapping: MappingFile | None = None) -> Parse:  # noqa: A002
    """Return what reads one line of a format.

    Raises:
        PolicyError: `unknown-format`.
    """
    if format not in FORMATS:
        raise PolicyError(
            "unknown-format",
            f"there is no log format {format[:32]!r}",
            hint=f"Known: {', '.join(sorted(FORMATS))}.",
            status=422,
        )
    return FORMATS[format](mapping)


def _parse_combined(line: bytes) -> Entry:
    return parse_combined(line.decode("utf-8", "surrogateescape").rstrip("\r"))


def _source(
    path: str, name: str | None, stop: threading.Event, *, follow: bool
) -> tuple[Source, Following | None]:
    if path != STANDARD_INPUT:
        file = Path(path).resolve()
        following = Following(file, stop.is_set) if follow else None
        return FileSource(file, name or str(file)), following
    if follow:
        raise _bad_option("standard input is read to its end anyway; it cannot be followed")
    pipe = io.BufferedReader(io.FileIO(sys.stdin.fileno(), closefd=False))
    return PipeSource(pipe, name or STANDARD_INPUT), None


def _service(credential: ProducerCredential) -> str:
    named = [service for service in credential.services if service != "*"]
    return named[0] if len(named) == 1 else "access-log"


def _checked(name: str, value: str) -> str:
    spec = FIELDS[name]
    if not (value in spec.values if spec.kind == "enum" else GRAMMARS[spec.grammar](value)):
        raise _bad_option(f"{name} cannot be {value[:64]!r}")
    return value


def _bad_option(why: str) -> PolicyError:
    return PolicyError("bad-option", why, hint="See `auditroll ingest --help`.", status=422)
