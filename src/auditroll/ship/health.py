"""How shipping is doing."""

from typing import Literal

import msgspec

__all__ = ["ShipperHealth", "State"]

State = Literal["ok", "waiting", "refused"]


class ShipperHealth(msgspec.Struct, kw_only=True):
    """Counters since the shipper began; for one thread to write and all to read.

    Args:
        acknowledged: Records that the collector took, repeated ones too.
        duplicates: Of these, those that it had already.
        epochs: Spools that are being shipped.
        failures: Exchanges that failed since the last that did not.
        last_ack_ms: When the collector last acknowledged, milliseconds since 1970; 0 never.
        last_error: Code of the last failure; empty when the last exchange went well.
        lost: Ranges that are missing in a spool: epoch, first, last.
        pending_octets: What is spooled and not archived.
        quarantined: Records that the collector refused for good, by code.
        root_checkpoint: The newest signed root checkpoint that the collector showed.
        state: `ok`; `waiting`, the collector is away or asks for time; `refused`, it does not
            accept the credential or the batches, and a person must act.
        torn_octets: Octets at the end of spools that are no whole record.
    """

    acknowledged: int = 0
    duplicates: int = 0
    epochs: int = 0
    failures: int = 0
    last_ack_ms: int = 0
    last_error: str = ""
    lost: list[tuple[str, int, int]] = []
    pending_octets: int = 0
    quarantined: dict[str, int] = {}
    root_checkpoint: str = ""
    state: State = "ok"
    torn_octets: int = 0
