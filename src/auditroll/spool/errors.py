"""What goes wrong with a spool."""

import errno
from typing import Final

from auditroll.errors import CollectorError

__all__ = ["FULL", "SpoolError", "is_full"]

FULL: Final = "spool-full"
_FULL_ERRNOS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class SpoolError(CollectorError):
    """A record is not in the spool: `spool-full` or `spool-failed`; nothing was acknowledged."""

    @classmethod
    def of(cls, error: OSError) -> "SpoolError":
        """Return what a refused system call means."""
        if is_full(error):
            return cls(
                FULL,
                "the disk of the spool is full",
                hint="Free space, or let the collector take what is spooled.",
            )
        return cls(
            "spool-failed",
            f"the disk of the spool refused: {errno.errorcode.get(error.errno or 0, 'unknown')}",
            hint="Mend the disk; records are refused or lost and counted until then.",
        )

    @classmethod
    def over_limit(cls, limit_octets: int) -> "SpoolError":
        """Return the refusal of a spool that has grown as far as it may."""
        return cls(
            FULL,
            f"the spool holds the {limit_octets} octets it may hold",
            hint="Let the collector take what is spooled, or raise the limit.",
        )


def is_full(error: OSError) -> bool:
    """Tell whether a system call failed for want of space."""
    return error.errno in _FULL_ERRNOS
