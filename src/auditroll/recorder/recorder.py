"""The one object that an adapter records through."""

import atexit
import contextvars
import logging
import os
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from auditroll.disk import Disk
from auditroll.errors import PolicyError
from auditroll.event import FIELDS, Event
from auditroll.event.grammar import GRAMMARS
from auditroll.recorder.build import Builder
from auditroll.recorder.health import RecorderHealth
from auditroll.recorder.session import Session, Setup
from auditroll.spool import SpoolError, SpoolLimits, default_root
from auditroll.wire import ProducerCredential

__all__ = ["Companion", "Mode", "Recorder"]

Mode = Literal["available", "durable", "strict"]
_log = logging.getLogger("auditroll")

_MODES: Final = frozenset(FIELDS["mode"].values)

HEARTBEAT_S: Final = 60.0

# Mark of the recorder that has not got an event of this context (one request) into the spool.
_MISSING: Final[contextvars.ContextVar[object]] = contextvars.ContextVar(
    "auditroll_missing", default=None
)


class Companion(Protocol):
    """What lives as long as the epoch of a process: the thread that ships its spool."""

    def start(self) -> None:
        """Begin."""
        ...

    def close(self) -> None:
        """Finish what can be finished in a moment, and end."""
        ...


class Recorder:
    """Takes events, numbers them, and keeps them until the collector has them.

    The epoch begins with the first event, or with `start`; a forked child begins one of its own.

    Args:
        credential: Of the producer.
        service: The `service_name`, one of the credential's.
        environment: production, staging, test or development.
        mode: Durability where a call does not say.
        spool_root: Folder of all spools; by default `AUDITROLL_SPOOL` or the user's state folder.
        companion: Makes what is started with each epoch.
        heartbeat_s: Seconds between heartbeats.
        disk: Another disk than the real one.
        limits: Other sizes of the spool.

    Raises:
        PolicyError: `bad-service`, `bad-environment`, `bad-mode`, `bad-credential` or
            `insecure-collector`.
    """

    def __init__(
        self,
        credential: ProducerCredential,
        *,
        service: str,
        environment: str,
        mode: Mode = "durable",
        spool_root: Path | None = None,
        companion: Callable[["Recorder"], Companion] | None = None,
        heartbeat_s: float = HEARTBEAT_S,
        disk: Disk | None = None,
        limits: SpoolLimits | None = None,
    ) -> None:
        _check(credential, service, environment, mode)
        self.credential = credential
        self.spool_root = spool_root or default_root()
        self.mode: Mode = mode
        self.companion: Companion | None = None
        self._make_companion = companion
        self._builder = Builder(credential, service, environment)
        self._setup = Setup(
            self.spool_root,
            credential.producer_id,
            self._builder,
            mode=mode,
            heartbeat_s=heartbeat_s,
            disk=disk or Disk(),
            limits=limits or SpoolLimits(),
        )
        self._mark = object()
        self._session: Session | None = None
        self._starting = threading.Lock()
        self._closed = False
        _follow(self)

    @property
    def epoch(self) -> str:
        """The `producer_epoch` of this process; empty before the first event."""
        session = self._session
        return "" if session is None or session.writer is None else session.writer.epoch

    def start(self) -> None:
        """Begin the epoch now, so that an idle service is heard of too."""
        self._current()

    def record(self, fields: Mapping[str, Any], *, mode: Mode | None = None) -> None:
        """Keep one event; never raises.

        Modes: `available` leaves the writing to a thread; `durable` and `strict` have it in the
        spool on return, where it survives the death of the process. For `strict` the caller waits
        for `sync` as well.

        Args:
            fields: Names and values of the record, identities in clear. What is not in the format
                or does not fit its grammar is left out and counted.
            mode: Another mode than the recorder's.
        """
        try:
            session = self._current()
            session.see()
            event = self._build(session, fields)
            if (mode or self.mode) == "available":
                session.hold(event)
            else:
                self._write(session, event, fields)
        except Exception:  # noqa: BLE001  the application's response must not depend on us
            _MISSING.set(self._mark)
            if self._session is not None:
                self._session.lose()

    def sync(self) -> bool:
        """Wait until what was recorded survives power loss.

        Returns:
            False when that failed, or when an event that this request recorded is not in the spool.
        """
        if _MISSING.get() is self._mark:
            _MISSING.set(None)
            return False
        writer = self._session.writer if self._session is not None else None
        return writer is not None and writer.sync()

    def seal_user(self, identity: str) -> str:
        """Return an identity, sealed, as text for a queue; `record` takes it as a user's id."""
        return self._builder.identities.carry(identity)

    def health(self) -> RecorderHealth:
        """Return how this process's recording is doing."""
        return (self._session or Session(self._setup)).health()

    def renew(self, epoch: str) -> None:
        """Go on in a new epoch, because the collector takes no more of this one.

        Args:
            epoch: The one that is closed; nothing happens if it is not the present one.
        """
        session = self._session
        if session is not None and session.writer is not None and self.epoch == epoch:
            session.renew()

    def close(self) -> None:
        """End the epoch; events recorded afterwards are dropped and counted nowhere."""
        with self._starting:
            session, companion = self._session, self.companion
            closed, self._closed = self._closed, True
        if closed or session is None:
            return
        session.stop()
        if companion is not None:
            companion.close()

    def after_fork(self) -> None:
        """Begin anew in a forked child: numbers, files and threads are the parent's."""
        session, self._session = self._session, None
        self.companion = None
        self._starting = threading.Lock()
        if session is not None:
            session.forget()

    def _current(self) -> Session:
        session = self._session
        if session is not None:
            return session
        with self._starting:
            if self._session is None:
                if self._closed:
                    raise SpoolError("spool-closed", "the recorder is closed")
                self._session = self._begin()
            return self._session

    def _begin(self) -> Session:
        session = Session(self._setup)
        session.start()
        _at_exit(self)
        try:
            if self._make_companion is not None:
                self.companion = self._make_companion(self)
                self.companion.start()
        except Exception:  # noqa: BLE001  records wait in the spool; nothing of them may be lost
            _log.exception("auditroll: records are kept, but nothing ships them")
        return session

    def _build(self, session: Session, fields: Mapping[str, Any]) -> Event:
        try:
            return self._builder.build(fields)
        except Exception:  # noqa: BLE001  a defect of ours or of the caller's: the fact itself must stand
            session.fallbacks += 1
            return self._builder.fallback(fields)

    def _write(self, session: Session, event: Event, fields: Mapping[str, Any]) -> None:
        try:
            session.append(event)
        except SpoolError as error:
            _MISSING.set(self._mark)
            session.hold(event)
            session.refuse(error)
        except Exception:  # noqa: BLE001  a value that cannot be encoded
            session.fallbacks += 1
            session.append(self._builder.fallback(fields))


def _check(credential: ProducerCredential, service: str, environment: str, mode: str) -> None:
    allowed = "*" in credential.services or service in credential.services
    if not allowed or not GRAMMARS["NAME"](service):
        raise PolicyError(
            "bad-service",
            f"the credential of {credential.producer_id} does not cover the service {service!r}",
            hint=f"It covers: {', '.join(credential.services)}.",
        )
    credential.address()
    if environment not in FIELDS["environment"].values:
        raise PolicyError(
            "bad-environment",
            f"there is no environment {environment!r}",
            hint=f"One of: {', '.join(FIELDS['environment'].values)}.",
        )
    if mode not in _MODES:
        raise PolicyError("bad-mode", f"there is no mode {mode!r}")


def _follow(recorder: Recorder) -> None:
    """Have every forked child begin its own epoch, as long as the recorder lives."""
    known = weakref.ref(recorder)

    def after_fork() -> None:
        found = known()
        if found is not None:
            found.after_fork()

    os.register_at_fork(after_in_child=after_fork)


def _at_exit(recorder: Recorder) -> None:
    """Have the epoch closed when the process ends by itself."""
    known = weakref.ref(recorder)

    def close() -> None:
        found = known()
        if found is not None:
            found.close()

    atexit.register(close)
    # Workers of multiprocessing leave without atexit.
    multiprocessing: Any = sys.modules.get("multiprocessing.util")
    if multiprocessing is not None:
        multiprocessing.Finalize(None, close, exitpriority=0)
