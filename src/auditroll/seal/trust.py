"""What a verifier of this folder starts from: `keys/trust.json` (format reference, section 12)."""

from collections.abc import Iterable
from typing import Any, Final

from auditroll.errors import PolicyError
from auditroll.event.canonical import Refused, decode, encode
from auditroll.event.grammar import GRAMMARS
from auditroll.seal.streams import Stream
from auditroll.store import DataFolder

__all__ = ["DEFAULT_INSTALLATION", "Trust"]

DEFAULT_INSTALLATION: Final = "auditroll.local"


class Trust:
    """The trust file of one folder.

    It names the installation, its key, and every stream that must exist. An auditor keeps a copy
    elsewhere; this one tells the folder's own server and `auditroll verify` what to expect.

    Args:
        folder: The data folder.
        public_key: Ed25519, 32 octets.
    """

    def __init__(self, folder: DataFolder, public_key: bytes) -> None:
        self._path = folder.keys / "trust.json"
        self._disk = folder.disk
        self._public_key = public_key
        self._name = ""
        self._listed: dict[str, Any] = {}

    @property
    def public_key(self) -> bytes:
        """The key that signs every stream's checkpoints."""
        return self._public_key

    @property
    def name(self) -> str:
        """The installation's name."""
        return self._name

    def installation(self, wanted: str | None, *, fresh: bool) -> str:
        """Return the installation's name, which the first start fixes.

        Args:
            wanted: Name that the operator gave, if any.
            fresh: No stream exists yet.

        Raises:
            PolicyError: `installation-changed`, or `bad-name`.
        """
        known = self._read().get("installation")
        name = known or wanted or DEFAULT_INSTALLATION
        if not GRAMMARS["INSTALLATION"](name):
            raise PolicyError("bad-name", "the installation's name does not match its grammar")
        if known is None and not fresh and wanted is None:
            raise PolicyError(
                "installation-changed",
                "keys/trust.json is missing",
                hint="Restore it, or name the installation with --installation.",
            )
        if wanted is not None and wanted != name:
            raise PolicyError(
                "installation-changed",
                f"this folder belongs to the installation {name}",
                hint="A name is fixed for ever, since every checkpoint carries it.",
            )
        self._name = name
        return name

    def save(self, streams: Iterable[Stream]) -> None:
        """Write the file, if it would change."""
        listed = self.document(streams)
        if listed != self._listed:
            self._disk.replace(self._path, encode(listed))
            self._listed = listed

    def document(self, streams: Iterable[Stream]) -> dict[str, Any]:
        """Return the trust document for `streams`, the root among them."""
        found = sorted(streams, key=lambda stream: stream.stream)
        return {
            "format": "auditroll-trust/1",
            "installation": self._name,
            "keys": [{"alg": "ed25519", "public": self._public_key.hex()}],
            "root_stream": next(s.stream for s in found if s.kind == "root"),
            "streams": [{"min_size": 1, "stream": s.stream} for s in found],
        }

    def _read(self) -> dict[str, Any]:
        try:
            self._listed = decode(self._disk.read(self._path), limit=2**26)
        except (FileNotFoundError, Refused):
            self._listed = {}
        return self._listed
