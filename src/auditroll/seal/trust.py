"""What a verifier of this folder starts from: `keys/trust.json` (format reference, section 12)."""

from collections.abc import Iterable
from typing import Any, Final

from auditroll.errors import IntegrityError, PolicyError
from auditroll.event.canonical import Refused, decode, encode
from auditroll.event.grammar import GRAMMARS
from auditroll.seal.streams import Stream
from auditroll.store import DataFolder

__all__ = ["DEFAULT_INSTALLATION", "Trust"]

DEFAULT_INSTALLATION: Final = "auditroll.local"
_MAX_OCTETS: Final = 2**26


class Trust:
    """The trust file of one folder.

    It names the installation, its key, and every stream that must exist with the size that is
    sealed. An auditor keeps a copy elsewhere; this one tells the folder's own server and
    `auditroll verify` what to expect.

    Args:
        folder: The data folder.

    Raises:
        IntegrityError: `altered`: the file is not what was written.
    """

    def __init__(self, folder: DataFolder) -> None:
        self._path = folder.keys / "trust.json"
        self._disk = folder.disk
        self._written = self._read()
        self.public_key = b""
        self.name = ""

    def expected(self) -> dict[str, int]:
        """Return the least size of every stream that must exist."""
        return {one["stream"]: one["min_size"] for one in self._written.get("streams", ())}

    def open(self, wanted: str | None, public_key: bytes, *, known: str | None = None) -> None:
        """Fix the installation's name and key.

        Args:
            wanted: Name that the operator gave, if any.
            public_key: Ed25519, 32 octets.
            known: Name in the root's genesis; None at the first start.

        Raises:
            PolicyError: `installation-changed`, or `bad-name`.
        """
        name = known or wanted or DEFAULT_INSTALLATION
        if not GRAMMARS["INSTALLATION"](name):
            raise PolicyError("bad-name", "the installation's name does not match its grammar")
        if wanted is not None and wanted != name:
            raise PolicyError(
                "installation-changed",
                f"this folder belongs to the installation {name}",
                hint="A name is fixed for ever, since every checkpoint carries it.",
            )
        self.name = name
        self.public_key = public_key

    def save(self, streams: Iterable[Stream]) -> None:
        """Write the file, if it would change."""
        document = self.document(streams)
        if document != self._written:
            self._disk.replace(self._path, encode(document))
            self._written = document

    def document(self, streams: Iterable[Stream]) -> dict[str, Any]:
        """Return the trust document for `streams`, the root among them."""
        found = sorted(streams, key=lambda stream: stream.stream)
        return {
            "format": "auditroll-trust/1",
            "installation": self.name,
            "keys": [{"alg": "ed25519", "public": self.public_key.hex()}],
            "root_stream": next(s.stream for s in found if s.kind == "root"),
            "streams": [{"min_size": max(s.sealed, 1), "stream": s.stream} for s in found],
        }

    def _read(self) -> dict[str, Any]:
        try:
            return decode(self._disk.read(self._path), limit=_MAX_OCTETS)
        except FileNotFoundError:
            return {}
        except Refused:
            raise IntegrityError(
                "altered",
                "keys/trust.json is damaged",
                hint="Restore it from its copy, or remove it if the log verifies without it.",
            ) from None
