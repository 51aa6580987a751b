"""Facts: records about the log itself (format reference, section 6)."""

import os
from collections.abc import Mapping
from typing import Any, Final

from auditroll.event.canonical import encode
from auditroll.event.ids import uuid7
from auditroll.event.times import format_time

__all__ = ["ALGORITHMS", "fact", "genesis", "root_groups"]

ALGORITHMS: Final[Mapping[str, str]] = {
    "commitment": "sha256-shake128",
    "hash": "sha256",
    "signature": "ed25519",
    "tree": "rfc6962",
}
MAX_HEADS: Final = 400


def fact(event_type: str, tenant: str, fields: Mapping[str, Any], now_ms: int) -> bytes:
    """Return a fact's canonical octets.

    Args:
        event_type: Of section 6.
        tenant: Empty in the root stream.
        fields: The type's own fields.
        now_ms: Effective time of receipt, which is a fact's event time too.
    """
    record = {
        "event_id": uuid7(now_ms, os.urandom(10)),
        "event_type": event_type,
        "timestamp": format_time(now_ms),
        **fields,
    }
    if tenant:
        record["tenant_id"] = tenant
    return encode(record)


def genesis(
    kind: str, tenant: str, data_class: str, installation: str, public_key: bytes, now_ms: int
) -> bytes:
    """Return the leaf at index 0 of a stream.

    Args:
        kind: `root`, `ledger` or `data`.
        tenant: Empty for the root.
        data_class: Only for `data`.
        installation: Name in the origin.
        public_key: Ed25519, 32 octets.
        now_ms: Effective time of receipt.
    """
    fields: dict[str, Any] = {
        "stream_kind": kind,
        "installation": installation,
        "algorithms": dict(ALGORITHMS),
        "keys": [{"alg": "ed25519", "public": public_key.hex()}],
    }
    if data_class:
        fields["data_class"] = data_class
    return fact("ledger.genesis", tenant, fields, now_ms)


def root_groups(heads: Mapping[str, tuple[int, bytes]], now_ms: int) -> list[bytes]:
    """Return one group of `root.heads` leaves.

    Args:
        heads: Size and root by stream id; not empty.
        now_ms: Effective time of receipt.

    Source: format reference, section 7.
    """
    listed = [
        {"root": root.hex(), "size": size, "stream": stream}
        for stream, (size, root) in sorted(heads.items())
    ]
    parts = [listed[at : at + MAX_HEADS] for at in range(0, len(listed), MAX_HEADS)]
    return [
        fact("root.heads", "", {"heads": part, "part": number, "parts": len(parts)}, now_ms)
        for number, part in enumerate(parts, 1)
    ]
