"""The embedded key store: one wrapped file a key under `keys/`.

Destroying a key is the end of everything encrypted with it, so it happens in an order that a
restored backup cannot undo: the destruction journal is written first, and a key named there is
never returned again, whatever files exist.
"""

import re
import secrets
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap,
    aes_key_wrap,
)

from auditroll.clock import now_ms
from auditroll.disk import Disk
from auditroll.errors import IntegrityError, PolicyError
from auditroll.event.times import format_time

__all__ = ["Key", "KeyStore"]

KEY_OCTETS: Final = 32
_KEY_ID: Final = re.compile(r"[a-z][a-z-]{0,31}-[0-9a-f]{16}")
_MASTER: Final = "master.key"
_DESTROYED: Final = "destroyed.log"


class Key(NamedTuple):
    """A key and the name it goes by in files and records.

    Args:
        id: NAME, `<use>-<16 hex digits>`; tells nothing about the octets.
        octets: 32 secret octets.
    """

    id: str
    octets: bytes


class KeyStore:
    """Keys of one installation, wrapped under its master key.

    Args:
        folder: The data folder's `keys/`.
        disk: File operations.

    Raises:
        PolicyError: `unsafe-keys`: others can read the folder's master key.
        IntegrityError: `key-unknown`: wrapped keys are there but the master key is not.
    """

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._folder = folder
        self._disk = disk or Disk()
        self._disk.make_dirs(folder)
        self._master = self._open_master()
        self._destroyed = self._read_destroyed()
        self._cache: dict[str, bytes] = {}

    def create(self, use: str) -> Key:
        """Make a key; it is durable on return.

        Args:
            use: What it is for, in lower case with dashes: `segment`, `journal`, `signing` ...
        """
        key = Key(f"{use}-{secrets.token_hex(8)}", secrets.token_bytes(KEY_OCTETS))
        self._disk.replace(self._path(key.id), aes_key_wrap(self._master, key.octets))
        self._cache[key.id] = key.octets
        return key

    def get(self, key_id: str) -> bytes:
        """Return a key's octets.

        Raises:
            KeyError: The key is not here, or was destroyed.
            IntegrityError: `key-damaged`: its file does not open under the master key.
        """
        octets = self._cache.get(key_id)
        if octets is None:
            octets = self._cache[key_id] = self._unwrap(key_id)
        return octets

    def single(self, use: str) -> Key:
        """Return the one key of `use`, made when there is none."""
        found = self.ids(use)
        if not found:
            return self.create(use)
        return Key(found[0], self.get(found[0]))

    def ids(self, use: str) -> list[str]:
        """Return the ids of the keys of `use` that are here, sorted."""
        return sorted(path.stem for path in self._folder.glob(f"{use}-*.key"))

    def destroy(self, key_id: str) -> None:
        """Destroy a key for good; destroying it again changes nothing."""
        if key_id not in self._destroyed:
            entry = f"{format_time(now_ms())} {key_id}\n"
            journal = self._folder / _DESTROYED
            before = self._disk.read(journal) if journal.exists() else b""
            self._disk.replace(journal, before + entry.encode())
            self._destroyed.add(key_id)
        self._cache.pop(key_id, None)
        if self._remove(key_id):
            self._disk.sync_dir(self._folder)

    def destroyed(self) -> frozenset[str]:
        """Return the ids of every key that was destroyed."""
        return frozenset(self._destroyed)

    def _remove(self, key_id: str) -> bool:
        """Remove a destroyed key's file, which another process of ours may do as well."""
        try:
            self._disk.remove(self._path(key_id))
        except FileNotFoundError:
            return False
        return True

    def _path(self, key_id: str) -> Path:
        return self._folder / f"{key_id}.key"

    def _unwrap(self, key_id: str) -> bytes:
        path = self._path(key_id)
        # An id comes from a file's header: it must not lead to another file.
        known = _KEY_ID.fullmatch(key_id) is not None and path.is_file()
        if key_id in self._destroyed or not known:
            raise KeyError(key_id)
        try:
            return aes_key_unwrap(self._master, self._disk.read(path))
        except (InvalidUnwrap, ValueError):
            raise IntegrityError(
                "key-damaged",
                f"the key {key_id} does not open under the master key",
                hint="Restore keys/ from its backup.",
            ) from None

    def _open_master(self) -> bytes:
        path = self._folder / _MASTER
        if not path.exists():
            if any(self._folder.glob("*.key")):
                raise IntegrityError(
                    "key-unknown",
                    "the master key is missing",
                    hint="Restore keys/master.key from its backup; without it nothing opens.",
                )
            self._disk.replace(path, secrets.token_bytes(KEY_OCTETS))
        if path.stat().st_mode & 0o077:
            raise PolicyError(
                "unsafe-keys",
                "other users of this machine can read the master key",
                hint=f"Run: chmod 600 {path}",
            )
        master = self._disk.read(path)
        if len(master) != KEY_OCTETS:
            raise IntegrityError("key-damaged", "the master key is not 32 octets long")
        return master

    def _read_destroyed(self) -> set[str]:
        journal = self._folder / _DESTROYED
        if not journal.exists():
            return set()
        found = {line.split(" ")[1] for line in self._disk.read(journal).decode().splitlines()}
        # A crash between the journal and the removal, or a restored backup, left the file behind.
        for key_id in found:
            self._remove(key_id)
        return found
