"""Cursors: where the next page begins, and on which state of the log.

A cursor is authenticated, so that what it says was said by us; it opens nothing that the caller's
tenant may not see anyway.
"""

import base64
import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec
import orjson

from auditroll.errors import ProducerError
from auditroll.query.model import Query

__all__ = ["Cursor", "Position", "open_cursor", "seal_cursor"]

MAC_OCTETS: Final = 16

Position = tuple[int, str, int]
"""Event time in milliseconds, stream, index: of the last row shown."""


class Cursor(msgspec.Struct, array_like=True, frozen=True):
    """What a cursor carries.

    Args:
        question: Digest of the query without its limit.
        root_checkpoint: Of the first page.
        sizes: Pinned size of each stream.
        position: The last row shown.
    """

    question: bytes
    root_checkpoint: str
    sizes: dict[str, int]
    position: Position


def seal_cursor(
    key: bytes, query: Query, root_checkpoint: str, sizes: Mapping[str, int], position: Position
) -> str:
    """Return the text of the cursor that continues `query` after `position`."""
    cursor = Cursor(_question(query), root_checkpoint, dict(sizes), position)
    octets = msgspec.msgpack.encode(cursor)
    return base64.urlsafe_b64encode(_mac(key, octets) + octets).rstrip(b"=").decode()


def open_cursor(key: bytes, query: Query) -> Cursor | None:
    """Return what the query's cursor carries; None if it has no cursor.

    Raises:
        ProducerError: `cursor-invalid`: not a cursor of this query, or of this collector's run.
    """
    if query.cursor is None:
        return None
    try:
        text = query.cursor.encode("ascii")
        sealed = base64.b64decode(text + b"=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError:
        raise _invalid() from None
    mac, octets = sealed[:MAC_OCTETS], sealed[MAC_OCTETS:]
    # What passes was encoded by `seal_cursor`, so it decodes.
    if not hmac.compare_digest(mac, _mac(key, octets)):
        raise _invalid()
    cursor = msgspec.msgpack.decode(octets, type=Cursor)
    if cursor.question != _question(query):
        raise _invalid()
    return cursor


def _question(query: Query) -> bytes:
    parts: list[Any] = [
        query.tenant,
        [[item.field, item.op, item.value] for item in query.filters],
        query.time_from,
        query.time_to,
        query.order,
        list(query.streams),
    ]
    return sha256(orjson.dumps(parts)).digest()[:MAC_OCTETS]


def _mac(key: bytes, octets: bytes) -> bytes:
    return hmac.digest(key, octets, "sha256")[:MAC_OCTETS]


def _invalid() -> ProducerError:
    return ProducerError(
        "cursor-invalid",
        "the cursor does not continue this query",
        hint="Ask for the first page again, without a cursor.",
    )
