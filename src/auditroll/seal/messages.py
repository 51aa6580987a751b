"""What crosses the border between the collector's front and the sequencer's process.

Length-prefixed MessagePack over a socket pair: `[id, method, arguments]` one way, `[id, error,
result]` the other.
"""

import struct
from typing import Any, Final

import msgspec

from auditroll.errors import CollectorError, Error, IntegrityError, PolicyError

__all__ = ["Reader", "error_of", "failure", "pack_message"]

_LENGTH: Final = struct.Struct(">I")
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder()
_KINDS: Final = {kind.__name__: kind for kind in (CollectorError, IntegrityError, PolicyError)}


def pack_message(message: list[Any]) -> bytes:
    """Return a message's octets."""
    body = _ENCODER.encode(message)
    return _LENGTH.pack(len(body)) + body


class Reader:
    """Cuts a stream of octets into messages."""

    def __init__(self) -> None:
        self._octets = bytearray()

    def feed(self, octets: bytes) -> list[Any]:
        """Return the messages that are whole now."""
        self._octets += octets
        messages: list[Any] = []
        at = 0
        while len(self._octets) >= at + _LENGTH.size:
            end = at + _LENGTH.size + _LENGTH.unpack_from(self._octets, at)[0]
            if len(self._octets) < end:
                break
            with memoryview(self._octets) as view:
                messages.append(_DECODER.decode(view[at + _LENGTH.size : end]))
            at = end
        del self._octets[:at]
        return messages


def failure(error: Exception) -> list[Any]:
    """Return an error as it crosses the border."""
    if isinstance(error, Error):
        kind = type(error).__name__
        known = kind if kind in _KINDS else "IntegrityError"
        return [known, error.code, error.message, error.hint, error.status, error.details]
    return ["CollectorError", "internal", "the sequencer failed", "", 500, {}]


def error_of(fields: list[Any]) -> Error:
    """Return the error that `failure` described."""
    kind, code, message, hint, status, details = fields
    return _KINDS[kind](code, message, hint=hint, status=status, **details)
