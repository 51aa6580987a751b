"""Sealing: lines to one encrypted Parquet file."""

import base64
from collections.abc import Sequence
from typing import Any, Final

from auditroll.errors import IntegrityError
from auditroll.event.fields import FIELDS, SEGMENT_COLUMNS
from auditroll.segment.arrow import Table, pa, parquet
from auditroll.segment.columns import table_of
from auditroll.segment.meta import SegmentMeta
from auditroll.segment.modular import encryption_properties, key_id_of, with_key_id
from auditroll.segment.read import read_segment
from auditroll.segment.schema import LEAF, OPENING, SEED
from auditroll.tlog.line import Line

__all__ = ["ROWS_PER_GROUP", "decrypted", "encode_segment"]

# A look-up decodes whole row groups, so fewer rows make it faster and the file larger: 4 groups
# in a full segment cost 2 % of its size against one.
ROWS_PER_GROUP: Final = 16_384
PAGE_OCTETS: Final = 4 * 1024 * 1024
COMPRESSION: Final = {"compression": "zstd", "compression_level": 1, "version": "2.6"}

# Values that hardly repeat: a dictionary would only repeat them.
UNREPEATED: Final = (
    "event_id", "parent_request_id", "prev_hash", "prompt_hash", "provider_request_id",
    "request_id", "response_content_hash", "response_hash", "response_id", "sealed", "span_id",
    "trace_id", "upstream_request_id",
)  # fmt: skip


def encode_segment(lines: Sequence[Line], meta: SegmentMeta, key: bytes) -> bytes:
    """Return the sealed segment of `lines`.

    Args:
        lines: `meta.count` lines from index `meta.first_index` on.
        meta: What the file says about itself; `key_id` names `key`.
        key: 32 random octets, used for this file only.

    Raises:
        IntegrityError: `record-untyped`: a field does not fit its column. `segment-unsafe`: the
            file read back holds key material or does not open.
        ValueError: Count or key length is wrong.

    Source: format reference, section 10.
    """
    if len(lines) != meta.count or not lines:
        raise ValueError("the number of lines differs from the metadata's")
    written = _written(table_of(lines), meta, encryption_properties(key))
    data = with_key_id(written, meta.key_id)
    _assert_safe(data, meta, key)
    return data


def decrypted(data: Any, key: bytes) -> bytes:
    """Return the segment as a plain Parquet file that any engine reads, for export.

    Raises:
        IntegrityError: `segment-altered`.
    """
    segment = read_segment(data, key)
    return _written(segment.table, segment.meta, None)


def _written(table: Table, meta: SegmentMeta, encryption: Any) -> bytes:
    sink = pa.BufferOutputStream()
    parquet.write_table(
        table.replace_schema_metadata(meta.as_metadata()),
        sink,
        row_group_size=ROWS_PER_GROUP,
        data_page_size=PAGE_OCTETS,
        use_dictionary=_dictionary_columns(),
        column_encoding=_encodings(),
        encryption_properties=encryption,
        store_schema=True,
        **COMPRESSION,
    )
    return bytes(sink.getvalue())


def _encodings() -> dict[str, str]:
    """Return the encodings of the columns without a dictionary, chosen by measurement."""
    numbers = ("index", "producer_seq", "received_at", "timestamp")
    return {
        LEAF: "DELTA_LENGTH_BYTE_ARRAY",
        **dict.fromkeys(UNREPEATED, "DELTA_LENGTH_BYTE_ARRAY"),
        **dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
        # UUIDv7s of one second begin alike.
        "event_id": "DELTA_BYTE_ARRAY",
    }


def _dictionary_columns() -> list[str]:
    plain = {LEAF, SEED, OPENING, *_encodings()}
    nested = {"list": ".list.element", "counts": ".key_value.key", "hashes": ".key_value.key"}
    return [
        name + nested.get(FIELDS[name].kind, "") for name in SEGMENT_COLUMNS if name not in plain
    ]


def _assert_safe(data: bytes, meta: SegmentMeta, key: bytes) -> None:
    """Read back what is about to become evidence: 256 bits, and no key in the file."""
    forms = (key, key[:16], key[16:], key.hex().encode(), base64.b64encode(key)[:42])
    opened = read_segment(data, key)
    if any(form in data for form in forms) or key_id_of(data) != meta.key_id:
        raise IntegrityError("segment-unsafe", "the sealed file holds key material")
    if opened.meta != meta or not opened.read_group(0, [LEAF]).num_rows:
        raise IntegrityError("segment-unsafe", "the sealed file does not read back")
