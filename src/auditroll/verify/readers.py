"""Where evidence is read from: a folder, or an archive of one. All that touches files is here."""

import io
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, BinaryIO, cast

__all__ = ["ArchiveReader", "FolderReader"]


class FolderReader:
    """The files under a folder.

    Args:
        root: The folder.
        within: Names of the folders below it to list; all when absent.
    """

    def __init__(self, root: Path, within: Sequence[str] = ("",)) -> None:
        self._root = root
        self._within = within

    def list(self) -> Sequence[str]:
        """Return the path of every file, sorted."""
        found = (path for name in self._within for path in (self._root / name).rglob("*"))
        files = (path for path in found if not path.is_dir())
        return sorted(path.relative_to(self._root).as_posix() for path in files)

    def open(self, path: str) -> BinaryIO:
        """Return an open file.

        Raises:
            OSError: It is not there, or not readable.
        """
        return (self._root / path).open("rb")


class ArchiveReader:
    """The files in a tar (plain, gzip, bzip2, xz) or zip of a folder.

    Args:
        path: The archive.

    Raises:
        OSError: Not an archive that can be read.
    """

    def __init__(self, path: Path) -> None:
        try:
            if zipfile.is_zipfile(path):
                self._zip: zipfile.ZipFile | None = zipfile.ZipFile(path)
                names = [info.filename for info in self._zip.infolist() if not info.is_dir()]
            else:
                self._zip, self._tar = None, tarfile.open(path)  # noqa: SIM115
                names = [member.name for member in self._tar.getmembers() if member.isfile()]
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, ValueError) as error:
            raise OSError(f"{path} is no archive that can be read") from error
        prefix = _prefix(names)
        self._members = {name[len(prefix) :]: name for name in names if name.startswith(prefix)}

    def list(self) -> Sequence[str]:
        """Return the path of every file, below the archive's one folder."""
        return sorted(self._members)

    def open(self, path: str) -> BinaryIO:
        """Return an open file.

        Raises:
            OSError: It is not there, or not readable.
        """
        if path not in self._members:
            raise FileNotFoundError(path)
        try:
            member = self._extract(self._members[path])
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, RuntimeError) as error:
            raise OSError(f"{path} cannot be read") from error
        return io.BufferedReader(_Member(member), 2**16)

    def _extract(self, name: str) -> IO[bytes]:
        if self._zip is not None:
            return self._zip.open(name)
        return cast("IO[bytes]", self._tar.extractfile(name))  # None only for what is no file


class _Member(io.RawIOBase):
    """A member of an archive whose damage shows as `OSError`, whatever the packer raises."""

    def __init__(self, member: IO[bytes]) -> None:
        super().__init__()
        self._member = member

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        try:
            data = self._member.read(len(buffer))
        except Exception as error:  # zlib, lzma and zipfile each have their own
            raise OSError("the archive is damaged") from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._member.close()
        super().close()


def _prefix(names: Sequence[str]) -> str:
    """Return the folder that the bundle stands in, such as `./` or `evidence/`."""
    for name in names:
        head, found, rest = name.rpartition("manifest.json")
        if found and not rest and "streams/" not in head:
            return head
    return ""
