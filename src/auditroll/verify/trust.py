"""The trust file: whose signatures count, and what must exist (format reference, section 12)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, cast

from auditroll.errors import PolicyError
from auditroll.event.canonical import Refused, decode
from auditroll.event.grammar import GRAMMARS, is_time
from auditroll.tlog import BadNote, Verifier, Witness

__all__ = ["BadTrust", "Trust", "TrustedKey", "TrustedStream"]

MAX_TRUST_OCTETS: Final = 2**28
_FORMAT: Final = "auditroll-trust/1"
_ID16 = re.compile("[0-9a-f]{32}")
_H32 = re.compile("[0-9a-f]{64}")


class BadTrust(PolicyError):
    """A trust file that says nothing a verifier can use."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "bad-trust",
            f"the trust file is not usable: {reason}",
            hint="Use the trust file that the log's operator gave you before, not an edited copy.",
        )


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key of the installation.

    Args:
        public: Ed25519, 32 octets.
        from_size: Least size of the root that it signs.
        until_size: Greatest size of the root that it signs; None for no bound.
        revoked: Whether its signatures count no more.
    """

    public: bytes
    from_size: int = 0
    until_size: int | None = None
    revoked: bool = False

    def signs(self, root_size: int) -> bool:
        """Tell whether the key's signature counts on a root checkpoint of that size."""
        return self.from_size <= root_size and (
            self.until_size is None or root_size <= self.until_size
        )


@dataclass(frozen=True, slots=True)
class TrustedStream:
    """A stream that must exist.

    Args:
        stream: Stream id.
        min_size: Least number of leaves.
        required: Ranges [a, b) of indices that must be there; None for all.
    """

    stream: str
    min_size: int
    required: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """What a verifier starts from.

    Args:
        installation: Name in every origin.
        root_stream: Id of the root.
        keys: The installation's keys, revoked ones left out.
        streams: All that must exist, the root first.
        last_checkpoint: Size and root of a root checkpoint that the auditor holds.
        time_range: First and last instant, TIME texts, that the log must reach.
        witnesses: Keys whose cosignatures count.
        quorum: How many of them must have cosigned the root checkpoint.
    """

    installation: str
    root_stream: str
    keys: tuple[TrustedKey, ...]
    streams: tuple[TrustedStream, ...]
    last_checkpoint: tuple[int, bytes] | None = None
    time_range: tuple[str, str] | None = None
    witnesses: tuple[Witness, ...] = ()
    quorum: int = 0

    @classmethod
    def parse(cls, octets: bytes) -> Self:
        """Return the trust that a trust file describes.

        Raises:
            BadTrust: Malformed, or of another format.
        """
        try:
            return cls._parsed(decode(octets, limit=MAX_TRUST_OCTETS))
        except Refused as refused:
            raise BadTrust(refused.code) from None
        except KeyError as absent:
            raise BadTrust(f"{absent.args[0]} is absent") from None

    @classmethod
    def _parsed(cls, found: Mapping[str, Any]) -> Self:
        _demand(found["format"] == _FORMAT, "format")
        installation = _text(found["installation"], "installation")
        _demand(GRAMMARS["INSTALLATION"](installation), "installation")
        root = _id(found["root_stream"])
        streams = [_stream(entry) for entry in _objects(found["streams"], "streams")]
        if root not in (stream.stream for stream in streams):
            streams.append(TrustedStream(root, 0))
        _demand(len({stream.stream for stream in streams}) == len(streams), "streams")
        keys = [
            _key(entry) for entry in _objects(found["keys"], "keys") if entry["alg"] == "ed25519"
        ]
        witnesses = tuple(_witness(vkey) for vkey in _list(found.get("witnesses", []), "witnesses"))
        return cls(
            installation=installation,
            root_stream=root,
            keys=tuple(key for key in keys if not key.revoked),
            streams=tuple(sorted(streams, key=lambda entry: (entry.stream != root, entry.stream))),
            last_checkpoint=_last_checkpoint(found.get("last_checkpoint")),
            time_range=_time_range(found.get("time_range")),
            witnesses=witnesses,
            quorum=_size(found.get("quorum", len(witnesses)), "quorum"),
        )

    def origin(self, stream: str) -> str:
        """Return the origin of a stream's checkpoints."""
        return f"{self.installation}/{stream}"

    def verifiers(self, stream: str, size: int) -> list[Verifier]:
        """Return the keys that may sign a checkpoint of `size` leaves.

        Key bounds are sizes of the root, so they bind the root's checkpoints only; every other
        head counts because a root leaf lists it.
        """
        return [
            Verifier(self.origin(stream), key.public)
            for key in self.keys
            if stream != self.root_stream or key.signs(size)
        ]


def _demand(condition: object, name: str) -> None:
    if not condition:
        raise BadTrust(f"{name} is malformed")


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise BadTrust(f"{name} is malformed")
    return value


def _id(value: Any) -> str:
    _demand(_ID16.fullmatch(_text(value, "a stream id")) is not None, "a stream id")
    return str(value)


def _size(value: Any, name: str) -> int:
    if type(value) is not int or value < 0:
        raise BadTrust(f"{name} is malformed")
    return value


def _list(value: Any, name: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise BadTrust(f"{name} is malformed")
    return cast("Sequence[Any]", value)


def _objects(value: Any, name: str) -> Sequence[Mapping[str, Any]]:
    entries = _list(value, name)
    _demand(all(isinstance(entry, dict) for entry in entries), name)
    return entries


def _pair(value: Any, name: str) -> tuple[Any, Any]:
    pair = _list(value, name)
    _demand(len(pair) == 2, name)
    return pair[0], pair[1]


def _stream(entry: Mapping[str, Any]) -> TrustedStream:
    required = None
    if "required" in entry:
        pairs = [_pair(value, "required") for value in _list(entry["required"], "required")]
        required = tuple((_size(a, "required"), _size(b, "required")) for a, b in pairs)
    return TrustedStream(_id(entry["stream"]), _size(entry["min_size"], "min_size"), required)


def _key(entry: Mapping[str, Any]) -> TrustedKey:
    public = _text(entry["public"], "a public key")
    _demand(_H32.fullmatch(public) is not None, "a public key")
    return TrustedKey(
        bytes.fromhex(public),
        _size(entry.get("from_size", 0), "from_size"),
        _size(entry["until_size"], "until_size") if "until_size" in entry else None,
        bool(entry.get("revoked", False)),
    )


def _witness(vkey: Any) -> Witness:
    try:
        return Witness.from_vkey(_text(vkey, "a witness"))
    except BadNote:
        raise BadTrust("a witness is malformed") from None


def _last_checkpoint(value: Any) -> tuple[int, bytes] | None:
    if value is None:
        return None
    _demand(isinstance(value, dict), "last_checkpoint")
    root = _text(value["root"], "last_checkpoint")
    _demand(_H32.fullmatch(root) is not None, "last_checkpoint")
    return _size(value["size"], "last_checkpoint"), bytes.fromhex(root)


def _time_range(value: Any) -> tuple[str, str] | None:
    if value is None:
        return None
    first, last = _pair(value, "time_range")
    _demand(
        is_time(_text(first, "time_range")) and is_time(_text(last, "time_range")), "time_range"
    )
    return first, last
