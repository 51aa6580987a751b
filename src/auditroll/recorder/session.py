"""One process's epoch: its spool, its queue, its counters, its heartbeat."""

import contextlib
import logging
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any, Final

from auditroll.disk import Disk
from auditroll.event import Event
from auditroll.recorder.build import Builder
from auditroll.recorder.health import RecorderHealth
from auditroll.spool import SpoolError, SpoolLimits, SpoolWriter
from auditroll.spool.layout import list_epochs

__all__ = ["Session", "Setup"]

_log = logging.getLogger("auditroll")

# Events that wait in memory: for the writing thread in mode `available`, and for a full disk.
MAX_HELD: Final = 10_000
_RETRY_S: Final = 1.0
_COMPLAIN_EVERY_S: Final = 60.0
_JOIN_S: Final = 5.0


class Setup:
    """What every session of a recorder is opened with.

    Args:
        root: Folder of all spools.
        producer_id: Of the credential.
        builder: Makes the recorder's own events, and lines.
        mode: Durability that `producer.open` announces.
        heartbeat_s: Seconds between heartbeats.
        disk: For everything that must survive.
        limits: Sizes of the spool.
    """

    def __init__(
        self,
        root: Path,
        producer_id: str,
        builder: Builder,
        *,
        mode: str,
        heartbeat_s: float,
        disk: Disk,
        limits: SpoolLimits,
    ) -> None:
        self.root = root
        self.producer_id = producer_id
        self.builder = builder
        self.mode = mode
        self.heartbeat_s = heartbeat_s
        self.disk = disk
        self.limits = limits


class Session:
    """The events of one process from its first to its last.

    Every event handed in is written, waits, or is counted as dropped: `seen` is always the sum.

    Args:
        setup: Of the recorder.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._builder = setup.builder
        self.writer: SpoolWriter | None = None
        self.seen = self.dropped = self.fallbacks = 0
        # Records of the recorder's own among those in the spool.
        self._own = 0
        # Events in epochs of this process that the collector closed.
        self._earlier = 0
        self.last_error = ""
        self._counting = threading.Lock()
        self._opening = threading.Lock()
        self._opened_at = float("-inf")
        self._held: deque[Event] = deque()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._refused = False
        self._complained_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="auditroll-recorder", daemon=True)

    def start(self) -> None:
        """Begin the epoch."""
        with contextlib.suppress(SpoolError):
            self._writer()
        self._thread.start()

    @property
    def written(self) -> int:
        """Events in the spool, or delivered."""
        writer = self.writer
        return self._earlier + (0 if writer is None else writer.count - self._own)

    def see(self) -> None:
        """Count an event that was handed in."""
        with self._counting:
            self.seen += 1

    def append(self, event: Event) -> None:
        """Write an event to the spool.

        Raises:
            SpoolError: It is not there.
            Exception: Its values cannot be encoded.
        """
        writer = self.writer or self._writer()
        epoch, line = writer.epoch, self._builder.line
        writer.append(lambda number: line(event, epoch, number))

    def hold(self, event: Event) -> None:
        """Keep an event in memory for the thread to write; without room it is lost and counted."""
        if len(self._held) >= MAX_HELD:
            self.lose()
            return
        self._held.append(event)
        self._wake.set()

    def lose(self) -> None:
        """Count an event as lost."""
        with self._counting:
            self.dropped += 1

    def refuse(self, error: SpoolError) -> None:
        """Note that the disk refused, and raise the alarm now and then."""
        self._refused = True
        self.last_error = error.code
        now = time.monotonic()
        if now - self._complained_at >= _COMPLAIN_EVERY_S:
            self._complained_at = now
            _log.error(
                "auditroll: %s; %d events wait in memory, %d are lost",
                error.diagnostics(),
                len(self._held),
                self.dropped,
            )

    def health(self) -> RecorderHealth:
        """Return how this session is doing."""
        writer = self.writer
        held = len(self._held)
        state = "losing" if held >= MAX_HELD else "holding" if self._refused else "ok"
        return RecorderHealth(
            dropped=self.dropped,
            epoch="" if writer is None else writer.epoch,
            fallbacks=self.fallbacks,
            held=held,
            last_error=self.last_error,
            seen=self.seen,
            spool_limit_octets=self._setup.limits.epoch,
            spool_octets=0 if writer is None else writer.octets(),
            state=state,
            sync_failures=0 if writer is None else writer.sync_failures,
            written=self.written,
        )

    def stop(self) -> None:
        """Write what waits and end the epoch with `producer.close`."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)
        self._write_held()
        while self._held:
            self._held.pop()
            self.lose()
        if self.writer is not None:
            with contextlib.suppress(SpoolError):
                self._announce("producer.close")
            self.writer.close()

    def renew(self) -> None:
        """End the spool's epoch; the next event begins another."""
        with self._opening:
            writer, self.writer = self.writer, None
            self._opened_at = float("-inf")
            if writer is None:
                return
            writer.close()
            with self._counting:
                self._earlier += writer.count - self._own
                self._own = 0

    def forget(self) -> None:
        """Give up what a forked child inherited; the parent goes on with it."""
        if self.writer is not None:
            self.writer.forget()

    def _writer(self) -> SpoolWriter:
        writer = self.writer
        if writer is not None:
            return writer
        with self._opening:
            return self.writer or self._open()

    def _open(self) -> SpoolWriter:
        """Begin the epoch with `producer.open`; a disk that refuses is asked again in a second."""
        setup = self._setup
        now = time.monotonic()
        if now - self._opened_at < _RETRY_S:
            raise SpoolError("spool-failed", "the spool could not be opened")
        self._opened_at = now
        previous = _take_previous(setup)
        writer = SpoolWriter.open(
            setup.root, setup.producer_id, disk=setup.disk, limits=setup.limits
        )
        more = {"mode": setup.mode} | ({"previous_epoch": previous} if previous else {})
        event = self._builder.own("producer.open", **more)
        try:
            writer.append(
                lambda number: self._builder.line(event, writer.epoch, number), vital=True
            )
        except SpoolError:
            writer.close()
            raise
        self._own += 1
        self.writer = writer
        return writer

    def _announce(self, event_type: str) -> None:
        """Write a heartbeat or a close: how far the numbers go, and what became of everything."""
        writer = self._writer()

        def line(number: int) -> bytes:
            with self._counting:
                counts: dict[str, Any] = {
                    "seen": self.seen,
                    "written": self.written,
                    "dropped": self.dropped,
                }
            event = self._builder.own(event_type, last_seq=number - 1, **counts)
            return self._builder.line(event, writer.epoch, number)

        writer.append(line, vital=True)
        self._own += 1

    def _run(self) -> None:
        due = time.monotonic() + self._setup.heartbeat_s
        while not self._stopping.is_set():
            pause = max(0.0, due - time.monotonic())
            if self._refused:
                self._stopping.wait(min(pause, _RETRY_S))
            else:
                self._wake.wait(pause)
            self._wake.clear()
            self._write_held()
            if time.monotonic() >= due:
                due += self._setup.heartbeat_s
                try:
                    self._announce("producer.heartbeat")
                except SpoolError as error:
                    self.refuse(error)

    def _write_held(self) -> None:
        """Write what waits, in order, until the disk refuses."""
        self._refused = False
        while self._held:
            event = self._held[0]
            try:
                self.append(event)
            except SpoolError as error:
                self.refuse(error)
                return
            except Exception:  # noqa: BLE001  one event that cannot be written must not stop the rest
                self.lose()
            self._held.popleft()


def _take_previous(setup: Setup) -> str | None:
    """Return the epoch of a dead process that no other one has named as its predecessor."""
    try:
        found = list_epochs(setup.root, setup.producer_id, setup.disk)
        dead = [
            (folder.path.stat().st_mtime_ns, folder) for folder in found if not folder.has_owner()
        ]
        for _, folder in sorted(dead, key=lambda found: found[0], reverse=True):
            with contextlib.suppress(FileExistsError):
                (folder.path / "successor").touch(exist_ok=False)
                return folder.epoch
    except OSError:
        return None
    return None
