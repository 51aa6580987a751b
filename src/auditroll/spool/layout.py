"""Where spools stand on the disk, and whose they are."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from auditroll.clock import now_ms
from auditroll.disk import Disk
from auditroll.spool.lock import FileLock

__all__ = ["SpoolFolder", "default_root", "list_epochs"]

_EPOCH: Final = re.compile("[0-9a-f]{32}")
_FILE: Final = re.compile(r"([0-9]{20})\.ars")
_YOUNG: Final = ".new-"
_ABANDONED_MS: Final = 60_000


def default_root() -> Path:
    """Return where spools stand when nobody says: `AUDITROLL_SPOOL`, or the user's state folder.

    Source: XDG Base Directory Specification, `XDG_STATE_HOME`.
    """
    named = os.environ.get("AUDITROLL_SPOOL")
    if named:
        return Path(named)
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "auditroll" / "spool"


class SpoolFolder:
    """The folder of one epoch.

    Two locks say who may touch it: the process that writes it holds `owner` as long as it lives,
    and whoever sends it holds `shipper`. An epoch whose owner is gone is complete.

    Args:
        path: `<root>/<producer>/<epoch>`.
        disk: For everything that must survive.
    """

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path
        self.disk = disk

    @property
    def epoch(self) -> str:
        """The `producer_epoch` of every record in it."""
        return self.path.name

    @property
    def producer_id(self) -> str:
        """The producer whose records it holds."""
        return self.path.parent.name

    @property
    def cursor_path(self) -> Path:
        """File with how far the collector has archived it."""
        return self.path / "cursor"

    @property
    def reserve_path(self) -> Path:
        """File that keeps space free for what must be written on a full disk."""
        return self.path / "reserve"

    @property
    def owner_path(self) -> Path:
        """Lock of the process that writes."""
        return self.path / "owner"

    @property
    def shipper_path(self) -> Path:
        """Lock of whoever sends."""
        return self.path / "shipper"

    @classmethod
    def create(
        cls, root: Path, producer_id: str, epoch: str, disk: Disk
    ) -> "tuple[SpoolFolder, FileLock]":
        """Make a folder that is locked by this process before anybody can see it.

        Raises:
            OSError: The disk refused.
        """
        parent = root / producer_id
        disk.make_dirs(parent)
        young = parent / f"{_YOUNG}{epoch}"
        disk.make_dirs(young)
        lock = FileLock.acquire(young / "owner")
        if lock is None:
            raise FileExistsError(str(young))
        disk.rename(young, parent / epoch)
        disk.sync_dir(parent)
        return cls(parent / epoch, disk), lock

    def has_owner(self) -> bool:
        """Tell whether the process that writes it lives."""
        return self.owner_path.exists() and not FileLock.is_free(self.owner_path)

    def file(self, first: int) -> Path:
        """Return the path of the file that begins with record `first`."""
        return self.path / f"{first:020d}.ars"

    def files(self) -> list[int]:
        """Return the first number of each file, ascending."""
        try:
            names = [path.name for path in self.path.iterdir()]
        except FileNotFoundError:
            return []
        return sorted(int(match[1]) for name in names if (match := _FILE.fullmatch(name)))

    def octets(self) -> int:
        """Return how much its files hold."""
        total = 0
        for first in self.files():
            try:
                total += self.file(first).stat().st_size
            except FileNotFoundError:
                continue
        return total

    def remove(self) -> None:
        """Remove the folder and everything in it; the caller holds `shipper`.

        A crash in between leaves a folder with a cursor and fewer files: the next shipper goes on.
        """
        for first in self.files():
            self.disk.remove(self.file(first))
        self.disk.sync_dir(self.path)
        # The lock goes last: whoever gets it meanwhile sees that its file has no name any more.
        for path in sorted(self.path.iterdir(), key=lambda path: path == self.shipper_path):
            path.unlink(missing_ok=True)
        self.disk.remove_dir(self.path)
        self.disk.sync_dir(self.path.parent)


def list_epochs(root: Path, producer_id: str, disk: Disk) -> Iterator[SpoolFolder]:
    """Yield every epoch of a producer that is spooled here, and clear what never became one."""
    parent = root / producer_id
    if not parent.is_dir():
        return
    for path in sorted(parent.iterdir()):
        if _EPOCH.fullmatch(path.name):
            yield SpoolFolder(path, disk)
        elif path.name.startswith(_YOUNG):
            _clear_abandoned(path)


def _clear_abandoned(folder: Path) -> None:
    """Remove the folder of a process that died before it recorded anything."""
    try:
        # A folder just made is not locked yet; its maker must not lose it.
        made_ms = folder.stat().st_mtime_ns // 1_000_000
        if now_ms() - made_ms > _ABANDONED_MS and FileLock.is_free(folder / "owner"):
            (folder / "owner").unlink(missing_ok=True)
            folder.rmdir()
    except OSError:
        return
