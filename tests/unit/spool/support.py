"""A spool in a folder, written and read without a recorder."""

from pathlib import Path

from auditroll.disk import Disk
from auditroll.spool import EpochReader, LostRange, SpoolLimits, SpoolWriter
from auditroll.spool.layout import SpoolFolder, list_epochs

PRODUCER = "api"
SMALL = SpoolLimits(file=512, epoch=64 * 1024, reserve=0)


def line(number: int, size: int = 40) -> bytes:
    """Return a line that says its number, at least `size` octets long."""
    return b'{"n":%d,"pad":"%s"}' % (number, b"x" * size)


def open_spool(root: Path, *, disk: Disk | None = None, limits: SpoolLimits = SMALL) -> SpoolWriter:
    return SpoolWriter.open(root, PRODUCER, disk=disk, limits=limits)


def fill(writer: SpoolWriter, count: int, size: int = 40) -> None:
    for _ in range(count):
        writer.append(lambda number: line(number, size))


def read_all(folder: SpoolFolder, *, complete: bool = True) -> tuple[list[int], list[LostRange]]:
    """Return the numbers of the records that are there, after a look at each, and the lost."""
    reader = EpochReader(folder)
    numbers: list[int] = []
    while (chunk := reader.read(7, 2_000, complete=complete)) is not None:
        for number, octets in enumerate(chunk.lines, chunk.first):
            assert octets.startswith(b'{"n":%d,' % number)
            numbers.append(number)
    return numbers, reader.lost


def only_epoch(root: Path) -> SpoolFolder:
    (folder,) = list_epochs(root, PRODUCER, Disk())
    return folder
