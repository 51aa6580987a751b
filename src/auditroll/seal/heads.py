"""Head registers and checkpoints (format reference, section 8).

A head is persisted before it is signed, and a register only grows: there are never two roots for
one size under our key, whatever crashes in between.
"""

from auditroll.errors import IntegrityError
from auditroll.event.canonical import Refused, decode_exact, encode
from auditroll.store import DataFolder
from auditroll.tlog import Checkpoint, Signer

__all__ = ["Head", "Heads"]

Head = tuple[int, bytes]
"""Size and root of a stream."""


class Heads:
    """The registers of one installation. The folder's lock makes this object their only writer.

    Args:
        folder: The data folder.
        installation: Name in every origin.
        secret: Ed25519 seed, 32 octets.
    """

    def __init__(self, folder: DataFolder, installation: str, secret: bytes) -> None:
        self._folder = folder
        self._disk = folder.disk
        self._installation = installation
        self._secret = secret
        self._registers: dict[str, Head] = {}
        self._signers: dict[str, Signer] = {}

    def read(self, stream: str) -> Head | None:
        """Return the register of a stream; None if nothing was signed yet.

        Raises:
            IntegrityError: `altered`: the register is not what was written.
        """
        path = self._folder.head(stream)
        if stream not in self._registers and path.exists():
            self._registers[stream] = _parse(self._disk.read(path), stream)
        return self._registers.get(stream)

    def advance(self, stream: str, head: Head) -> None:
        """Set the register: to a greater size, or find the identical head in it.

        Raises:
            IntegrityError: `rolled-back`: the register knows a greater size. `forked`: it knows
                another root for this size. The sequencer stops at either.
        """
        known = self.read(stream)
        size, root = head
        if known == head:
            return
        if known is not None and known[0] >= size:
            code = "forked" if known[0] == size else "rolled-back"
            raise IntegrityError(
                code,
                f"stream {stream}: the register holds size {known[0]}, the data {size}",
                hint="The data folder is older than what was signed. Restore the newest copy.",
            )
        octets = encode({"root": root.hex(), "size": size, "stream": stream})
        self._disk.make_dirs(self._folder.stream(stream))
        self._disk.replace(self._folder.head(stream), octets)
        self._registers[stream] = head

    def sign(self, stream: str, head: Head) -> str:
        """Persist a head, sign it, and return the checkpoint, which is stored too.

        Raises:
            IntegrityError: As `advance`.
        """
        self.advance(stream, head)
        origin = f"{self._installation}/{stream}"
        signer = self._signers.get(stream)
        if signer is None:
            signer = self._signers[stream] = Signer(origin, self._secret)
        note = Checkpoint(origin, *head).sign([signer])
        self._disk.replace(self._folder.checkpoint(stream), note.encode())
        return note


def _parse(octets: bytes, stream: str) -> Head:
    size, root, sound = 0, b"", False
    try:
        found = decode_exact(octets)
        size, root = found["size"], bytes.fromhex(found["root"])
        sound = found.keys() == {"root", "size", "stream"} and found["stream"] == stream
    except (Refused, KeyError, ValueError, TypeError):
        sound = False
    if not sound:
        raise IntegrityError(
            "altered",
            f"the head register of stream {stream} is damaged",
            hint="Run `auditroll verify`, and restore the file from its copy.",
        )
    return size, root
