"""Sealed segments: one Parquet file that holds the hashed octets and typed columns beside them.

Pure: octets in, octets out. Needs PyArrow, so the `server` extra.
"""

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
