"""Sealed segments: exact octets back, encrypted, readable by other engines."""

import base64
import subprocess
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.parquet import encryption

import auditroll.segment
from auditroll.errors import IntegrityError
from auditroll.event.fields import FIELDS, SEGMENT_COLUMNS
from auditroll.segment import (
    SegmentMeta,
    arrow_schema,
    check_columns,
    decrypted,
    encode_segment,
    key_id_of,
    read_segment,
    table_of,
)
from auditroll.tlog.line import Line
from tests.unit.segment.records import (
    STREAM,
    hide,
    lines_from,
    model_call,
    request,
    seal_fact,
)

KEY = bytes(range(32))


def meta_of(lines, *, first=0, stream=STREAM):
    return SegmentMeta(stream, first, len(lines), 0, "segment-0123456789abcdef")


def sealed(lines, **place):
    return encode_segment(lines, meta_of(lines, **place), KEY)


@pytest.fixture(scope="module")
def lines():
    records = [request(number) for number in range(300)]
    records[7] = model_call(7)
    records[8] = seal_fact(8)
    records[9] = request(9, event_type="producer.heartbeat", last_seq=8, seen=9, written=9)
    return lines_from(records)


@pytest.fixture(scope="module")
def segment(lines):
    return sealed(lines)


def test_the_columns_are_those_of_the_format():
    schema = arrow_schema()
    assert schema.names[:3] == ["leaf", "seed", "opening"]
    assert schema.names[3:] == sorted(SEGMENT_COLUMNS)
    assert schema.field("leaf").type == pa.binary()
    assert not schema.field("leaf").nullable
    assert schema.field("seed").type == pa.binary(16)
    assert schema.field("timestamp").type == pa.timestamp("ms", "UTC")
    assert schema.field("redactions").type == pa.map_(pa.utf8(), pa.int64())
    assert schema.field("cut_fields").type == pa.map_(pa.utf8(), pa.utf8())
    assert schema.field("resource_ids").type == pa.list_(pa.utf8())
    assert schema.field("ext").type == pa.utf8()
    assert all(schema.field(name).nullable for name in FIELDS if name in SEGMENT_COLUMNS)


def test_every_line_comes_back_octet_for_octet(lines, segment):
    opened = read_segment(segment, KEY)
    assert opened.meta == meta_of(lines)
    assert list(opened.lines()) == lines


def test_a_segment_of_several_row_groups_streams(monkeypatch, lines):
    monkeypatch.setattr("auditroll.segment.encode.ROWS_PER_GROUP", 64)
    opened = read_segment(sealed(lines), KEY)
    assert opened.groups == 5
    assert [table.num_rows for table in opened.tables()] == [64, 64, 64, 64, 44]
    assert list(opened.lines()) == lines
    assert list(check_columns(opened)) == []


def test_typed_columns_say_what_the_record_says():
    (line,) = lines_from([model_call(5)])
    (row,) = table_of([line]).to_pylist()
    record = line.record()
    assert row["tokens_in"] == 2**53 - 1
    assert dict(row["usage_raw"]) == record["usage_raw"]
    assert dict(row["cut_fields"]) == record["cut_fields"]
    assert row["finish_reasons"] == []
    assert row["note"] == ""
    assert row["ext"] == '{"flag":true,"level":7,"unit":"ward:x1"}'
    assert row["user_agent"] == record["user_agent"]
    assert row["timestamp"].isoformat(timespec="milliseconds") == record["timestamp"].replace(
        "Z", "+00:00"
    )
    assert row["span_id"] is None


def test_columns_of_a_whole_segment_hold(segment):
    assert list(check_columns(read_segment(segment, KEY))) == []


@pytest.mark.parametrize("marker", ["[REDACTED:EMAIL]", None])
def test_hidden_slots_keep_their_commitment_and_lose_their_values(lines, marker):
    changed = [*lines[:4], hide(lines[4], "agent", marker=marker), *lines[5:10]]
    opened = read_segment(sealed(changed), KEY)
    table = opened.table
    assert table["seed"][4].as_py() is None
    assert table["user_agent"][4].as_py() is None
    assert table["user_id"][4].as_py() == lines[4].slots["actor"]["user_id"]
    assert list(opened.lines()) == changed
    assert list(check_columns(opened)) == []


def test_no_key_material_is_in_the_file_but_the_key_id_is(segment):
    assert key_id_of(segment) == "segment-0123456789abcdef"
    for form in (KEY, KEY[:16], KEY.hex().encode(), base64.b64encode(KEY)[:42]):
        assert form not in segment
    assert b"clinic" not in segment
    assert segment[:4] == b"PARE" == segment[-4:]


def test_a_reader_that_knows_parquet_alone_opens_it_with_256_bits_only(segment):
    properties = encryption.create_decryption_properties(KEY)
    file = pq.ParquetFile(pa.BufferReader(segment), decryption_properties=properties)
    metadata = file.metadata.metadata
    assert metadata[b"auditroll.format"] == b"1"
    assert metadata[b"auditroll.stream"] == STREAM.encode()
    assert metadata[b"auditroll.count"] == b"300"
    assert file.metadata.format_version == "2.6"
    column = file.metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"
    short = encryption.create_decryption_properties(KEY[:16])
    with pytest.raises(OSError, match="Failed decryption"):
        pq.ParquetFile(pa.BufferReader(segment), decryption_properties=short)


def test_a_key_of_another_length_is_refused(lines):
    with pytest.raises(ValueError, match="32 octets"):
        encode_segment(lines, meta_of(lines), KEY[:16])


def test_a_file_that_would_hold_its_key_is_never_returned(lines):
    key = b"0123456789abcdef0123456789abcdef"
    meta = SegmentMeta(STREAM, 0, len(lines), 0, key.decode())
    with pytest.raises(IntegrityError) as caught:
        encode_segment(lines, meta, key)
    assert caught.value.code == "segment-unsafe"


def test_a_file_that_does_not_read_back_is_never_returned(lines, monkeypatch):
    other = SegmentMeta(STREAM, 1, len(lines), 0, "segment-0123456789abcdef")
    told = other.as_metadata()
    monkeypatch.setattr(SegmentMeta, "as_metadata", lambda _self: told)
    with pytest.raises(IntegrityError) as caught:
        encode_segment(lines, meta_of(lines), KEY)
    assert caught.value.code == "segment-unsafe"


@pytest.mark.parametrize("key_id", ["", "é", "n" * 65])
def test_a_key_id_that_the_file_cannot_carry_is_refused(lines, key_id):
    with pytest.raises(ValueError, match=r"key id|ascii"):
        encode_segment(lines, SegmentMeta(STREAM, 0, len(lines), 0, key_id), KEY)


@pytest.mark.parametrize(
    "change",
    [{b"auditroll.count": b"many"}, {b"auditroll.format": b"2"}, {b"auditroll.stream": b"\xff"}],
)
def test_metadata_that_is_not_ours_is_refused(lines, change):
    told = {name.encode(): value.encode() for name, value in meta_of(lines).as_metadata().items()}
    assert SegmentMeta.from_metadata(told) == meta_of(lines)
    assert meta_of(lines).end == len(lines)
    for wrong in (told | change, None):
        with pytest.raises(IntegrityError) as caught:
            SegmentMeta.from_metadata(wrong)
        assert caught.value.code == "segment-altered"


def test_another_key_opens_nothing(segment):
    with pytest.raises(IntegrityError) as caught:
        read_segment(segment, bytes(32))
    assert caught.value.code == "segment-altered"


def test_the_key_id_outside_the_encryption_cannot_be_changed(segment):
    changed = segment.replace(b"segment-0123456789abcdef", b"segment-0123456789abcdee")
    with pytest.raises(IntegrityError):
        read_segment(changed, KEY)


def test_a_wrong_count_is_refused(lines):
    with pytest.raises(ValueError, match="number of lines"):
        encode_segment(lines[1:], meta_of(lines), KEY)


def test_a_field_that_does_not_fit_its_column_is_refused():
    (line,) = lines_from([request(1)])
    wrong = Line(leaf=line.leaf, seed=line.seed, slots={"actor": {"user_id": 7}})
    misplaced = Line(leaf=line.leaf, seed=line.seed, slots={"actor": {"route": "/"}})
    for bad in (wrong, misplaced):
        with pytest.raises(IntegrityError) as caught:
            table_of([bad])
        assert caught.value.code == "record-untyped"


def test_fields_that_first_occur_late_get_their_column():
    records = [request(number) for number in range(100)]
    records[33] = request(33, trace_id="7" * 32, redactions={"EMAIL": 1})
    table = table_of(lines_from(records))
    assert table["trace_id"].to_pylist() == [None] * 33 + ["7" * 32] + [None] * 66
    assert table["redactions"][33].as_py() == [("EMAIL", 1)]
    assert table["redactions"].null_count == 99


def test_facts_whose_own_fields_have_no_common_type_are_sealed():
    base = seal_fact(1)
    odd = [base | {"ranges": [[1, 2]]}, base | {"ranges": "none"}, base | {"ranges": {"a": 1}}]
    lines = lines_from(odd)
    opened = read_segment(sealed(lines), KEY)
    assert list(opened.lines()) == lines
    assert list(check_columns(opened)) == []


def test_one_query_in_plain_duckdb_checks_the_chain(tmp_path, lines, segment):
    path = tmp_path / "segment.parquet"
    path.write_bytes(decrypted(segment, KEY))
    query = r"""
        SELECT count(*) FROM (
            SELECT prev_hash, lag(sha256('\x00'::BLOB || leaf)) OVER (ORDER BY index) AS chained
            FROM read_parquet($path)
        ) WHERE prev_hash <> coalesce(chained, repeat('0', 64))
    """
    with duckdb.connect() as connection:
        assert connection.execute(query, {"path": str(path)}).fetchone() == (0,)
        count = "SELECT count(*), min(timestamp) FROM read_parquet($path)"
        assert connection.execute(count, {"path": str(path)}).fetchone()[0] == len(lines)
    damaged = pq.ParquetFile(path).read()
    rows = damaged["leaf"].to_pylist()
    rows[100] = rows[100].replace(b'"GET"', b'"PUT"')
    pq.write_table(damaged.set_column(0, "leaf", pa.array(rows, pa.binary())), path)
    with duckdb.connect() as connection:
        assert connection.execute(query, {"path": str(path)}).fetchone() == (1,)


def test_the_decrypted_copy_is_readable_by_pyarrow(lines, segment):
    file = pq.ParquetFile(pa.BufferReader(decrypted(segment, KEY)))
    assert file.read(use_threads=False)["leaf"].to_pylist() == [line.leaf for line in lines]


def test_the_package_needs_pyarrow_only_when_a_segment_is_used():
    code = "import sys, auditroll.segment; sys.exit('pyarrow' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=False)
    assert run.returncode == 0
    with pytest.raises(AttributeError):
        _ = auditroll.segment.nothing
