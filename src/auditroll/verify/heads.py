"""Checkpoints of the trusted streams (format reference, section 13, steps 2 and 3)."""

from collections.abc import Iterator
from typing import Final

from auditroll.tlog import BadNote, open_checkpoint, read_checkpoint
from auditroll.tlog.note import NoteVerifier, open_note
from auditroll.verify.judge import Head
from auditroll.verify.listings import Listings
from auditroll.verify.report import Finding
from auditroll.verify.scan import StreamScan
from auditroll.verify.trust import Trust, TrustedStream

__all__ = [
    "NoHead",
    "check_listed",
    "check_quorum",
    "check_size",
    "check_time_range",
    "trusted_head",
]

MAX_CHECKPOINT_OCTETS: Final = 1_000_000


class NoHead(Exception):
    """A stream without a checkpoint that counts; `verdict` says why."""

    def __init__(self, verdict: str) -> None:
        super().__init__(verdict)
        self.verdict = verdict


def trusted_head(octets: bytes, trust: Trust, stream: str) -> Head:
    """Return the head that a stream's checkpoint signs.

    Args:
        octets: The signed note.
        trust: Whose signatures count.
        stream: Stream id.

    Raises:
        NoHead: `altered` or `key-unknown`.

    Source: format reference, section 8.
    """
    origin = trust.origin(stream)
    try:
        note = octets.decode()
        size = read_checkpoint(note, origin).size
        found = open_checkpoint(note, trust.verifiers(stream, size), origin)
    except UnicodeDecodeError:
        raise NoHead("altered") from None
    except BadNote as bad:
        raise NoHead(bad.code) from None
    return Head(found.size, found.root)


def check_quorum(octets: bytes, trust: Trust, head: Head) -> Iterator[Finding]:
    """Yield whether too few witnesses cosigned the root checkpoint, or a cosignature fails.

    Source: C2SP tlog-cosignature.
    """
    witnesses: list[NoteVerifier] = []
    verdict = "cannot-judge"
    if trust.quorum:
        try:
            witnesses = open_note(octets.decode(), trust.witnesses)[1]
        except BadNote as bad:
            verdict = "altered" if bad.code == "altered" else verdict
    if len({witness.key_id for witness in witnesses}) < trust.quorum:
        yield Finding(verdict, trust.root_stream, 0, head.size)


def check_time_range(trust: Trust, root: StreamScan, head: Head) -> Iterator[Finding]:
    """Yield whether the log does not reach both ends of the time that is asked about."""
    runs = root.ordered()
    if trust.time_range is None:
        return
    first, last = trust.time_range
    begins = runs[0].first_received if runs else None
    ends = runs[-1].last_received if runs else None
    if begins is None or ends is None or begins > first or ends < last:
        yield Finding("cannot-judge", trust.root_stream, 0, head.size)


def check_listed(listings: Listings, stream: str, head: Head) -> Iterator[Finding]:
    """Yield how a stream's head and the newest listing in the root disagree."""
    listed = listings.last(stream)
    if listed is None:
        yield Finding("cannot-judge", stream, 0, head.size)
    elif listed.size > head.size:
        yield Finding("rolled-back", stream, head.size, listed.size)
    elif listed.size < head.size:
        yield Finding("cannot-judge", stream, listed.size, head.size)
    elif listed.root != head.root.hex():
        yield Finding("forked", stream, 0, head.size)


def check_size(trusted: TrustedStream, head: Head) -> Iterator[Finding]:
    """Yield whether a stream is smaller than it must be."""
    if head.size < trusted.min_size:
        yield Finding("rolled-back", trusted.stream, head.size, trusted.min_size)
