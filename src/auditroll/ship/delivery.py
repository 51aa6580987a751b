"""One epoch on its way: what is sent next, and what an answer means for it."""

import logging
from typing import Any, Final

import msgspec

from auditroll.errors import CollectorError
from auditroll.ship.backoff import Backoff, retry_after_s
from auditroll.ship.health import ShipperHealth, State
from auditroll.ship.progress import Progress
from auditroll.ship.quarantine import Quarantine
from auditroll.ship.transport import Reply, Transport
from auditroll.ship.tuning import Tuning
from auditroll.spool import Chunk, EpochReader, FileLock, SpoolFolder
from auditroll.wire import MAX_BODY_OCTETS, Answer, decode_answer, encode_batch

__all__ = ["Delivery", "Refusal"]

_log = logging.getLogger("auditroll")

# Tried one after the other where the one before is not understood.
_ENCODINGS: Final = ("zstd", "gzip", "identity")
_AWAY: Final = frozenset({408, 425, 429})


class Refusal(Exception):
    """A batch that was not taken.

    Args:
        code: Of the problem.
        state: Whether waiting helps or a person must act.
        asked_s: How long the collector asks to wait.
        everybody: It concerns the collector, not this epoch.
    """

    def __init__(
        self, code: str, state: State, *, asked_s: float = 0.0, everybody: bool = True
    ) -> None:
        super().__init__(code)
        self.code = code
        self.state: State = state
        self.asked_s = asked_s
        self.everybody = everybody


class _EpochState(msgspec.Struct):
    archived_through: int
    durable_through: int


class Delivery:
    """Ships one epoch; one batch of it is in memory.

    Args:
        folder: Of the epoch.
        lock: Its `shipper` lock, given back by `close`.
        tuning: Sizes.
        health: Counts what happens.
        quarantine: Keeps what is refused for good.
    """

    def __init__(
        self,
        folder: SpoolFolder,
        lock: FileLock,
        tuning: Tuning,
        health: ShipperHealth,
        quarantine: Quarantine,
    ) -> None:
        self.folder = folder
        self.backoff = Backoff(tuning)
        self.closed_through: int | None = None
        self._lock = lock
        self._tuning = tuning
        self._health = health
        self._quarantine = quarantine
        self.reader = EpochReader(folder)
        self._progress = Progress(self.reader.archived_through)
        self._chunk: Chunk | None = None
        self._complete = False
        self._max_lines = tuning.batch_lines
        self._encoding = 0

    @property
    def epoch(self) -> str:
        """The `producer_epoch`."""
        return self.folder.epoch

    @property
    def complete(self) -> bool:
        """Whether nobody appends to the epoch any more."""
        # Asked before the files are read: what a dead owner wrote can then all be seen.
        self._complete = self._complete or not self.folder.has_owner()
        return self._complete

    def ship(self, transport: Transport) -> bool:
        """Send the next batch; False when there is none.

        Raises:
            Refusal: It was not taken and will be sent again.
            OSError: The disk refused.
        """
        complete = self.complete
        chunk = self._next(complete=complete)
        if chunk is None:
            return False
        headers, body = encode_batch(
            chunk.lines, self.epoch, chunk.first, encoding=_ENCODINGS[self._encoding]
        )
        if len(body) > MAX_BODY_OCTETS:
            self._send_less(chunk)
            return True
        reply = _post(transport, headers, body)
        if reply.status == 200:
            self._take_answer(chunk, _answer(reply))
            self._forget(complete=complete)
            return True
        return self._take_problem(chunk, reply)

    def catch_up(self, transport: Transport) -> None:
        """Ask how far the epoch is archived, when all is sent and not all may be forgotten.

        Raises:
            Refusal: The collector did not say.
            OSError: The disk refused.
        """
        if self._progress.through >= self.reader.next - 1:
            return
        try:
            reply = transport.get(f"/v1/producers/self/epochs/{self.epoch}")
            if reply.status != 200:
                raise _refusal(reply)
            state = msgspec.json.decode(reply.body, type=_EpochState)
        except CollectorError as error:
            raise Refusal(error.code, "waiting") from error
        except msgspec.DecodeError as error:
            raise Refusal("bad-answer", "waiting") from error
        self._advance(state.archived_through)
        self._forget(complete=self.complete)

    def finished(self) -> bool:
        """Tell whether nothing is left and nothing will come; the folder is then removed."""
        if self._chunk is not None or not self.complete or self.reader.has_more():
            return False
        return self._progress.through >= self.reader.next - 1

    def close(self) -> None:
        """Let another one ship the epoch."""
        self._lock.release()

    def _next(self, *, complete: bool) -> Chunk | None:
        if self._chunk is None:
            torn = self.reader.torn_octets
            self._chunk = self.reader.read(
                self._max_lines, self._tuning.batch_octets, complete=complete
            )
            self._health.torn_octets += self.reader.torn_octets - torn
        return self._chunk

    def _take_answer(self, chunk: Chunk, answer: Answer) -> None:
        if answer.accepted + answer.duplicates + answer.quarantined != len(chunk.lines):
            raise Refusal("bad-answer", "waiting")
        health = self._health
        went_back = not self._progress.answered(chunk.first, chunk.last, answer)
        self._advance(answer.archived_through)
        self._chunk = None
        if went_back:
            # What it lost and we still have is sent again; what it lost and we forgot is a gap
            # that it names itself.
            self.reader.seek(answer.archived_through + 1)
            health.last_error = "collector-behind"
        counts = self._quarantine.keep(self.epoch, chunk, answer.results)
        for code, number in counts.items():
            health.quarantined[code] = health.quarantined.get(code, 0) + number
        health.acknowledged += len(chunk.lines)
        health.duplicates += answer.duplicates
        health.root_checkpoint = answer.root_checkpoint
        self._max_lines = min(self._tuning.batch_lines, 2 * self._max_lines)

    def _take_problem(self, chunk: Chunk, reply: Reply) -> bool:
        """Change what is sent next so that it may be taken, or refuse to go on for now."""
        code, details = _problem(reply)
        if reply.status == 413 and len(chunk.lines) > 1:
            self._send_less(chunk)
            return True
        if reply.status in {400, 415}:
            self._encoding = (self._encoding + 1) % len(_ENCODINGS)
            raise Refusal(code, "refused", everybody=False)
        if reply.status == 409 and code == "seq-gap":
            through = details.get("durable_through")
            self._chunk = None
            self.reader.seek(through + 1 if isinstance(through, int) else chunk.first)
            raise Refusal(code, "refused", everybody=False)
        if reply.status == 409 and code == "epoch-closed":
            through = details.get("durable_through")
            self.closed_through = through if isinstance(through, int) else chunk.first - 1
            raise Refusal(code, "refused", everybody=False)
        if reply.status == 413:
            raise Refusal(code, "refused", everybody=False)
        raise _refusal(reply)

    def _send_less(self, chunk: Chunk) -> None:
        half = max(1, len(chunk.lines) // 2)
        self._max_lines = half
        self._chunk = Chunk(chunk.first, chunk.lines[:half])
        self.reader.seek(chunk.first + half)

    def _advance(self, archived_through: int) -> None:
        """Take in how far the collector is, and report what of the spool is lost for good."""
        self._progress.advance(archived_through, self.reader.lost)
        for lost in self.reader.lost:
            entry = (self.epoch, lost.first, lost.last)
            # What the collector has is not lost: only the cursor that said so was.
            if lost.last > archived_through and entry not in self._health.lost:
                self._health.lost.append(entry)
                _log.error(
                    "auditroll: records %d to %d of epoch %s are lost from the spool",
                    lost.first,
                    lost.last,
                    self.epoch,
                )

    def _forget(self, *, complete: bool) -> None:
        self.reader.forget(self._progress.through, complete=complete)


def _post(transport: Transport, headers: dict[str, str], body: bytes) -> Reply:
    try:
        return transport.post("/v1/events", headers, body)
    except CollectorError as error:
        raise Refusal(error.code, "waiting") from error


def _answer(reply: Reply) -> Answer:
    try:
        return decode_answer(reply.body)
    except CollectorError as error:
        raise Refusal(error.code, "waiting") from error


def _refusal(reply: Reply) -> Refusal:
    code, _ = _problem(reply)
    away = reply.status >= 500 or reply.status in _AWAY
    state: State = "waiting" if away else "refused"
    return Refusal(code, state, asked_s=retry_after_s(reply.retry_after))


def _problem(reply: Reply) -> tuple[str, dict[str, Any]]:
    """Return the code and the members of a problem; a proxy's own answer has only a status.

    Source: RFC 9457 section 3.
    """
    fallback = f"http-{reply.status}"
    try:
        members = msgspec.json.decode(reply.body, type=dict[str, Any])
    except msgspec.DecodeError:
        return fallback, {}
    code = members.get("code")
    return (code[:64] if isinstance(code, str) and code else fallback), members
