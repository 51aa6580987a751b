"""How the HTTP process talks to the sequencer: length-prefixed msgpack over one socket.

A request is `[number, method, arguments]`, its answer `[number, error, result]`; answers may come
in another order. Number 0 is the sequencer's own word: first that it is ready (or why it is not),
later each new root checkpoint.
"""

import struct
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from auditroll import errors
from auditroll.errors import CollectorError, Error

__all__ = [
    "LENGTH",
    "Ready",
    "decode_error",
    "encode_answer",
    "encode_error",
    "encode_request",
    "message",
]

LENGTH: Final = struct.Struct(">I")
_encoder: Final = msgspec.msgpack.Encoder()
_KINDS: Final[dict[str, type[Error]]] = {
    name: getattr(errors, name) for name in errors.__all__ if name != "Error"
}


class Ready(NamedTuple):
    """What names an installation, told once when its sequencer serves.

    Args:
        installation: Its name in every checkpoint's origin.
        public_key: Ed25519, 64 hex digits.
        root_stream: Id of the root stream.
        root_checkpoint: The newest signed one.
        rebuilt: Derived files that this start made again.
    """

    installation: str
    public_key: str
    root_stream: str
    root_checkpoint: str
    rebuilt: list[str]


def message(value: Any) -> bytes:
    """Return a value with its length before it."""
    body = _encoder.encode(value)
    return LENGTH.pack(len(body)) + body


def encode_request(number: int, method: str, arguments: Sequence[Any]) -> bytes:
    """Return a request, ready to send."""
    return message((number, method, arguments))


def encode_answer(number: int, result: Any) -> bytes:
    """Return an answer, ready to send."""
    return message((number, None, result))


def encode_error(number: int, error: Error) -> bytes:
    """Return a refusal, ready to send."""
    kind = type(error)
    while kind.__name__ not in _KINDS:
        kind = kind.__mro__[1]
    told = (kind.__name__, error.code, error.message, error.hint, error.status, error.details)
    return message((number, told, None))


def decode_error(told: Sequence[Any]) -> Error:
    """Return the error that `encode_error` took."""
    kind, code, text, hint, status, details = told
    return _KINDS.get(kind, CollectorError)(code, text, hint=hint, status=status, **details)
