"""Sealed segments, as the sequencer reads them when it starts."""

import os
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from auditroll.errors import IntegrityError
from auditroll.event.times import parse_time
from auditroll.keys import KeyStore
from auditroll.seal.sealed import SegmentInfo
from auditroll.store import DataFolder, SegmentName
from auditroll.tlog import leaf_hash

if TYPE_CHECKING:
    from auditroll.segment import SegmentData

__all__ = ["SegmentReader"]

_DIGEST_OCTETS: Final = 32
_END_OCTETS: Final = 512
_SEAL: Final = b'"ledger.seal"'


class SegmentReader:
    """Opens segments with the keys they name.

    Args:
        folder: The data folder.
        keys: The key store.
    """

    def __init__(self, folder: DataFolder, keys: KeyStore) -> None:
        self._folder = folder
        self._keys = keys
        self.rebuilt: list[str] = []

    def key_id(self, path: Path) -> str:
        """Return the id of the key that a file names; empty if it is no whole segment."""
        from auditroll.segment import key_id_of

        try:
            return key_id_of(self._folder.disk.read(path))
        except IntegrityError:
            return ""

    def genesis(self, name: SegmentName) -> dict[str, Any]:
        """Return the first record of a segment."""
        return next(self._open(name).lines()).record()

    def seals(self, name: SegmentName) -> list[dict[str, Any]]:
        """Return the `ledger.seal` records of a ledger's or the root's segment.

        They are kept in `derived/seals/`, so that a start need not decrypt every ledger.
        """
        path = self._folder.derived / "seals" / name.stream / f"{name.first_index:020d}"
        tag = _tag(self._folder.segment(name))
        try:
            octets = path.read_bytes()
        except OSError:
            octets = b""
        body = octets[2 * _DIGEST_OCTETS :]
        sound = octets[_DIGEST_OCTETS : 2 * _DIGEST_OCTETS] == sha256(body).digest()
        if sound and octets[:_DIGEST_OCTETS] == tag:
            kept: list[dict[str, Any]] = orjson.loads(body)
            return kept
        if octets and not sound:
            self.rebuilt.append(str(path.relative_to(self._folder.root)))
        found = [orjson.loads(leaf) for leaf in self._leaves(self._open(name)) if _SEAL in leaf]
        body = orjson.dumps(found)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tag + sha256(body).digest() + body)
        return found

    def leaf_hashes(self, info: SegmentInfo) -> Iterator[list[bytes]]:
        """Yield the leaf hashes of a segment, row group by row group."""
        segment = self._open(_name(info))
        for group in range(segment.groups):
            leaves = segment.read_group(group, ["leaf"]).column("leaf").to_pylist()
            yield [leaf_hash(leaf) for leaf in leaves]

    def received_ms(self, info: SegmentInfo, index: int) -> int:
        """Return when a sealed record was received, in milliseconds since 1970."""
        leaves = self._leaves(self._open(_name(info)))
        leaf = next(islice(leaves, index - info.first_index, None))
        return parse_time(orjson.loads(leaf)["received_at"])

    def index_of(self, info: SegmentInfo, seed: bytes) -> int | None:
        """Return the index of the record with this seed, which stands once, if it is here."""
        segment = self._open(_name(info))
        at = info.first_index
        for group in range(segment.groups):
            seeds = segment.read_group(group, ["seed"]).column("seed").to_pylist()
            if seed in seeds:
                return int(at + seeds.index(seed))
            at += len(seeds)
        return None

    def _leaves(self, segment: "SegmentData") -> Iterator[bytes]:
        for group in range(segment.groups):
            yield from segment.read_group(group, ["leaf"]).column("leaf").to_pylist()

    def _open(self, name: SegmentName) -> "SegmentData":
        data = self._folder.disk.read(self._folder.segment(name))
        # Arrow is loaded only when a segment is read: most starts need none.
        from auditroll.segment import key_id_of, read_segment

        key_id = key_id_of(data)
        try:
            key = self._keys.get(key_id)
        except KeyError:
            raise IntegrityError(
                "key-unknown",
                f"the key {key_id} of a segment is not in the key store",
                hint="Restore keys/ from its backup.",
            ) from None
        return read_segment(data, key)


def _tag(path: Path) -> bytes:
    """Return what tells one segment file from every other: its size and its end.

    The end holds the key's id and the footer's authentication tag.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _END_OCTETS, 0))
        return sha256(b"%d:" % size + file.read()).digest()


def _name(info: SegmentInfo) -> SegmentName:
    return SegmentName(info.stream, info.first_index, info.generation)
