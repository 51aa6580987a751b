"""Sealed segments: one Parquet file that holds the hashed octets and typed columns beside them.

Pure: octets in, octets out. Everything but the journal's octets needs PyArrow (extra `server`),
which is imported only when one of these names is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from auditroll.segment.check import check_columns, check_table
    from auditroll.segment.columns import table_of
    from auditroll.segment.encode import ROWS_PER_GROUP, decrypted, encode_segment
    from auditroll.segment.meta import SegmentMeta
    from auditroll.segment.modular import KEY_OCTETS, key_id_of
    from auditroll.segment.read import SegmentData, read_segment
    from auditroll.segment.rows import lines_of
    from auditroll.segment.schema import arrow_schema

__all__ = [
    "KEY_OCTETS",
    "ROWS_PER_GROUP",
    "SegmentData",
    "SegmentMeta",
    "arrow_schema",
    "check_columns",
    "check_table",
    "decrypted",
    "encode_segment",
    "key_id_of",
    "lines_of",
    "read_segment",
    "table_of",
]

_HOMES: Final = {
    "KEY_OCTETS": "modular",
    "ROWS_PER_GROUP": "encode",
    "SegmentData": "read",
    "SegmentMeta": "meta",
    "arrow_schema": "schema",
    "check_columns": "check",
    "check_table": "check",
    "decrypted": "encode",
    "encode_segment": "encode",
    "key_id_of": "modular",
    "lines_of": "rows",
    "read_segment": "read",
    "table_of": "columns",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used.

    Raises:
        AttributeError: No such name.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
