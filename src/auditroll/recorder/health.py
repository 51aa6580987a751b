"""How the recorder of this process is doing."""

import msgspec

__all__ = ["RecorderHealth"]


class RecorderHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Counters since the epoch began.

    Args:
        dropped: Events that are lost.
        epoch: The `producer_epoch`; empty before the first event.
        fallbacks: Events recorded in their smallest form because building them failed.
        held: Events that wait in memory, for the disk or for their turn.
        last_error: Code of the last refusal by the disk, empty when there was none.
        seen: Events handed to the recorder.
        spool_limit_octets: What the spool of this process may take.
        spool_octets: What it takes.
        state: `ok`; `holding`, the disk refuses and events wait in memory; `losing`, they are
            being lost.
        sync_failures: How often the disk refused to make octets durable.
        written: Events in the spool or delivered.
    """

    dropped: int
    epoch: str
    fallbacks: int
    held: int
    last_error: str
    seen: int
    spool_limit_octets: int
    spool_octets: int
    state: str
    sync_failures: int
    written: int
