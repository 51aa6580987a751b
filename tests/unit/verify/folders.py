"""Data folders as the sequencer leaves them, and their verification."""

import shutil
from collections.abc import Callable
from pathlib import Path

from auditroll.errors import Error
from auditroll.keys import KeyStore
from auditroll.verify import FolderReader, Report, Trust, verify_installation
from tests.unit.seal.support import TENANT, Clock, batch, opened


def key_of(folder: Path) -> Callable[[str], bytes | None]:
    """Return the key store's look-up, with None for what is not there."""
    keys = KeyStore(folder / "keys")

    def found(key_id: str) -> bytes | None:
        try:
            return keys.get(key_id)
        except (KeyError, Error):
            return None

    return found


def verify(folder: Path, trust: Trust | None = None, *, running: bool = False) -> Report:
    """Verify a folder as the command line does."""
    trust = trust or Trust.parse((folder / "keys" / "trust.json").read_bytes())
    reader = FolderReader(folder, ("streams", "journal"))
    return verify_installation(reader, trust, key_of(folder), running=running)


def fill(folder: Path) -> dict[str, str]:
    """Make a small log of every kind of part, and return its streams by kind.

    Two tenants; sealed segments, some of them still in the journal; a tail; two journal files.
    """
    clock = Clock()
    log = opened(folder, clock, seal_after_s=60)
    stream = log.stream(TENANT, "standard")
    other = log.stream("lab", "standard")
    for number in range(4):
        log.append([batch(stream, range(number * 10, number * 10 + 10), now_ms=clock.now_ms)])
        clock.forward(2)
        log.tick()
    log.append([batch(other, range(5), tenant="lab", now_ms=clock.now_ms)])
    log.seal_all()
    clock.forward(2)
    log.tick()
    log.append([batch(stream, range(40, 47), now_ms=clock.now_ms)])
    log.append([batch(other, range(5, 9), tenant="lab", now_ms=clock.now_ms)])
    log.tick()
    heads = log.heads()
    log.close()
    reopened = opened(folder, clock, seal_after_s=600)
    reopened.append([batch(stream, range(47, 50), now_ms=clock.now_ms)])
    reopened.close()
    names = {head.kind: head.stream for head in heads if head.tenant != "lab"}
    return names | {"other": other}


def copied(folder: Path, to: Path) -> Path:
    """Return a copy of a folder, to be damaged."""
    shutil.copytree(folder, to)
    return to


def evidence(folder: Path) -> list[Path]:
    """Return every evidence file that holds octets."""
    files = [*(folder / "streams").rglob("*"), *(folder / "journal").rglob("*")]
    return sorted(path for path in files if path.is_file() and path.stat().st_size)


def flip(path: Path, offset: int, mask: int = 1) -> None:
    """Change one octet of a file."""
    data = bytearray(path.read_bytes())
    data[offset] ^= mask
    path.write_bytes(data)
