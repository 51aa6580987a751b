"""The durable queue on the producer's disk: one append-only file set per process."""

from auditroll.spool.errors import SpoolError
from auditroll.spool.layout import SpoolFolder, default_root
from auditroll.spool.lock import FileLock
from auditroll.spool.reader import Chunk, EpochReader, LostRange
from auditroll.spool.writer import SpoolLimits, SpoolWriter

__all__ = [
    "Chunk",
    "EpochReader",
    "FileLock",
    "LostRange",
    "SpoolError",
    "SpoolFolder",
    "SpoolLimits",
    "SpoolWriter",
    "default_root",
]
