"""How far the collector has archived an epoch, as the producer's disk knows it."""

from typing import Final

import msgspec

from auditroll.spool.errors import is_full
from auditroll.spool.layout import SpoolFolder

__all__ = ["read_cursor", "write_cursor"]

NONE: Final = -1


class _Cursor(msgspec.Struct, frozen=True):
    """The cursor file: canonical JSON."""

    archived_through: int


def read_cursor(folder: SpoolFolder) -> int:
    """Return the greatest number up to which everything is archived, -1 when none is known.

    A cursor that cannot be read counts as none: everything is then sent again, which does no harm.
    """
    try:
        octets = folder.disk.read(folder.cursor_path)
        return msgspec.json.decode(octets, type=_Cursor).archived_through
    except (OSError, msgspec.DecodeError):
        return NONE


def write_cursor(folder: SpoolFolder, archived_through: int) -> None:
    """Keep the cursor, durably. Only after this may a file below it be removed.

    On a full disk the reserve makes room: else what was delivered could never be removed.

    Raises:
        OSError: The disk refused even so.
    """
    octets = msgspec.json.encode(_Cursor(archived_through))
    try:
        folder.disk.replace(folder.cursor_path, octets)
    except OSError as error:
        if not is_full(error):
            raise
        folder.reserve_path.unlink(missing_ok=True)
        folder.disk.replace(folder.cursor_path, octets)
