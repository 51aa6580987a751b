"""One run over one source: find the place to go on, read, send; so for each file that follows."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from auditroll.errors import ProducerError
from auditroll.ingest.build import Builder
from auditroll.ingest.entry import Entry, Unreadable
from auditroll.ingest.port import CollectorPort, OutOfOrder
from auditroll.ingest.reader import MAX_LINE_OCTETS, FileReader
from auditroll.ingest.sender import Sender
from auditroll.ingest.source import FileSource, Source
from auditroll.ingest.tally import Notice, Summary, Tally
from auditroll.wire import file_epoch

__all__ = ["Following", "Progress", "Session"]

Parse = Callable[[bytes], Entry]
Progress = Callable[[Summary, int], None]

MAX_REWINDS: Final = 10
MAX_ORDINALS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Following:
    """How a file that grows is watched.

    Args:
        path: Of the file.
        stopped: Asked between looks; true ends the run.
        poll_s: Time between looks.
        grace_s: How long a file is still read after another took its place: servers go on
            writing to the old one until they are told.
    """

    path: Path
    stopped: Callable[[], bool]
    poll_s: float = 0.25
    grace_s: float = 5.0


class Session:
    """Sends one source.

    Args:
        source: Where the lines are.
        parse: Reads one line.
        builder: Makes records.
        port: The collector.
        progress: Told the count and the octets read after each answer.
    """

    def __init__(
        self,
        source: Source,
        parse: Parse,
        builder: Builder,
        port: CollectorPort,
        progress: Progress | None = None,
    ) -> None:
        self._source = source
        self._parse = parse
        self._builder = builder
        self._port = port
        self._progress = progress
        self._tally = Tally()

    def run(self, following: Following | None = None) -> Summary:
        """Send everything and return the count.

        Args:
            following: Go on when the end is reached, until stopped.

        Raises:
            PolicyError, AccessError, ProducerError, CollectorError: See `ingest_path`.
        """
        rewinds = 0
        while True:
            try:
                if not self._one_file(following):
                    return self._tally.summary()
            except OutOfOrder:
                # The collector was restored to an earlier state: ask where it stands, read again.
                rewinds += 1
                if rewinds > MAX_REWINDS or not isinstance(self._source, FileSource):
                    raise _behind() from None

    def _one_file(self, following: Following | None) -> bool:
        """Send one file; return True if another took its place."""
        first = self._first_line(following)
        if first is None:
            return following is not None and not following.stopped()
        reader, epoch = self._placed(first)
        with reader:
            self._tally.skipped(epoch, reader.count)
            told = partial(self._tell, reader)
            with Sender(self._port, self._tally, epoch, reader.count, told) as sender:
                again = self._send_all(_Run(reader, sender, epoch), following)
                sender.drain()
            told()
        return again

    def _first_line(self, following: Following | None) -> bytes | None:
        """Return the line that names the epoch, None if there is none (yet)."""
        if following is None:
            with self._source.open() as reader:
                return reader.read(final=True)
        while not following.stopped():
            if following.path.exists():
                with self._source.open() as reader:
                    if (line := reader.read()) is not None:
                        return line
            time.sleep(following.poll_s)
        return None

    def _placed(self, first_line: bytes) -> tuple[FileReader, str]:
        """Return a reader behind the lines that the collector has, and the epoch.

        Source: format reference section 11: if the file's prefix differs from the stored one, the
        ordinal rises by one.
        """
        for ordinal in range(MAX_ORDINALS):
            epoch = file_epoch(self._source.name, ordinal, first_line + b"\n")
            place = self._port.place(epoch)
            reader = self._source.open()
            known = place.durable_through + 1
            if not known or reader.skip(known) == place.prefix_sha256:
                self._source.settle()
                return reader, epoch
            reader.close()
        raise _behind()

    def _send_all(self, run: "_Run", following: Following | None) -> bool:
        """Send lines until the file ends; return True if another took its place."""
        quiet_s = 0.0
        while True:
            if self._send_available(run, final=following is None):
                quiet_s = 0.0
            if following is None:
                return False
            run.sender.drain()
            if run.reader.cut():
                self._tally.note(Notice("truncated", run.epoch, run.reader.count))
                return True
            if following.stopped():
                return False
            if run.reader.replaced(following.path):
                quiet_s += following.poll_s
                if quiet_s > following.grace_s:
                    self._send_available(run, final=True)
                    self._tally.note(Notice("rotated", run.epoch, run.reader.count))
                    return True
            time.sleep(following.poll_s)

    def _send_available(self, run: "_Run", *, final: bool) -> bool:
        """Send every line that is there; say whether there was one."""
        count = run.reader.count
        while (line := run.reader.read(final=final)) is not None:
            self._add(run, line)
            if run.sender.full():
                run.sender.flush(run.reader.prefix_sha256())
        run.sender.flush(run.reader.prefix_sha256())
        return run.reader.count > count

    def _add(self, run: "_Run", line: bytes) -> None:
        try:
            entry = _parsed(self._parse, line)
            record = self._builder.line(entry, run.epoch, run.reader.count - 1)
        except Unreadable as unreadable:
            run.sender.refuse(unreadable.code)
        else:
            run.sender.add(record)

    def _tell(self, reader: FileReader) -> None:
        if self._progress is not None:
            self._progress(self._tally.summary(), reader.octets)


class _Run(NamedTuple):
    """One file under way."""

    reader: FileReader
    sender: Sender
    epoch: str


def _parsed(parse: Parse, line: bytes) -> Entry:
    if len(line) > MAX_LINE_OCTETS:
        raise Unreadable("too-long")
    return parse(line)


def _behind() -> ProducerError:
    return ProducerError(
        "source-behind",
        "the collector has other lines of this source than can be read again",
        hint="Ingest the log as a file, or under another source name.",
        status=409,
    )
