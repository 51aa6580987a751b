"""Whatever happens to derived files, the answers stay; whatever to evidence, it is said."""

import shutil
from hashlib import sha256

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditroll.errors import AccessError, IntegrityError
from auditroll.query import Filter, Query
from auditroll.query.bloom import bloom, perhaps
from auditroll.query.columns import ColumnCache
from auditroll.segment import key_id_of
from auditroll.segment.modular import decryption
from tests.unit.query.log import Log, indices
from tests.unit.segment.records import octets, pseudonym, request

STREAM = "a1" * 16


@pytest.fixture
def log(tmp_path):
    log = Log(tmp_path)
    log.open_stream(STREAM)
    log.append(STREAM, [request(number) for number in range(100)])
    for end in (30, 60, 90):
        log.seal(STREAM, end)
    return log


LOOK_UPS = [
    Filter("user_id", "eq", pseudonym(2004)),
    Filter("resource_id", "eq", f"patient:{pseudonym(7)}"),
    Filter("request_id", "eq", octets("request", 21).hex()),
    Filter("source_ip", "in", [pseudonym(1001), "p_" + "0" * 32]),
    Filter("subject_id", "eq", "patient:x"),
]


def answers(log):
    with log.engine() as engine:
        found = [indices(engine, item) for item in LOOK_UPS]
        return found, dict(engine.status())


@pytest.mark.parametrize("damage", ["deleted", "flipped", "cut", "emptied", "swapped", "foreign"])
def test_a_damaged_catalogue_is_rebuilt_with_the_same_answers_and_reported(log, damage):
    expected, first = answers(log)
    assert first == {"absent": 3, "damaged": 0}
    assert [len(found) for found in expected] == [9, 3, 3, 20, 0]
    assert answers(log) == (expected, {"absent": 0, "damaged": 0})
    folder = log.folder.derived / "catalogue"
    files = sorted(folder.rglob("*.cat"))
    data = files[0].read_bytes()
    match damage:
        case "deleted":
            shutil.rmtree(folder)
        case "flipped":
            files[0].write_bytes(data[:60] + bytes([data[60] ^ 1]) + data[61:])
        case "cut":
            files[0].write_bytes(data[: len(data) // 2])
        case "emptied":
            files[0].write_bytes(b"")
        case "swapped":
            files[0].write_bytes(files[1].read_bytes())
        case _:
            files[0].unlink()
            files[0].mkdir()
            files[0].joinpath("in the way").touch()
            assert answers(log) == (expected, {"absent": 0, "damaged": 1})
            return
    found, status = answers(log)
    assert found == expected
    assert sum(status.values()) == (3 if damage == "deleted" else 1)
    assert answers(log) == (expected, {"absent": 0, "damaged": 0})


def test_a_refresh_builds_what_lacks_before_a_search_has_to(log):
    with log.engine() as engine:
        engine.refresh()
        assert engine.status() == {"absent": 3, "damaged": 0}
        indices(engine, LOOK_UPS[0])
        assert engine.status() == {"absent": 3, "damaged": 0}


def test_a_catalogue_entry_of_another_shape_is_rebuilt(log):
    expected, _ = answers(log)
    path = next((log.folder.derived / "catalogue").rglob("*.cat"))
    body = b"\x90"
    path.write_bytes(b"ARCAT1\n" + sha256(body).digest() + body)
    assert answers(log) == (expected, {"absent": 0, "damaged": 1})


def test_rows_of_a_part_that_turns_out_damaged_are_left_out_and_named(log):
    with log.engine(cache=ColumnCache(octets=0)) as engine:
        query = Query("clinic", [Filter("user_id", "eq", pseudonym(2004))], limit=1000)
        whole = engine.search(query)
        path = log.folder.segment(log.folder.segments(STREAM)[0])
        data = bytearray(path.read_bytes())
        key = log.keys[key_id_of(data)]
        file = pq.ParquetFile(pa.BufferReader(bytes(data)), decryption_properties=decryption(key))
        group = file.metadata.row_group(0)
        chunks = [group.column(number) for number in range(group.num_columns)]
        (chunk,) = [chunk for chunk in chunks if chunk.path_in_schema == "request_id"]
        data[chunk.data_page_offset + chunk.total_compressed_size // 2] ^= 1
        # In place: the engine has the file mapped.
        with path.open("r+b") as target:
            target.write(data)
        page = engine.search(query)
    assert [gap.first for gap in page.unreadable] == [0]
    assert page.rows == [row for row in whole.rows if row["index"] >= 30]


def test_a_damaged_segment_is_named_and_the_rest_is_found(log):
    with log.engine() as engine:
        engine.search(Query("clinic"))
    path = log.folder.segment(log.folder.segments(STREAM)[1])
    data = bytearray(path.read_bytes())
    for place in range(4, len(data) - 100, 97):
        data[place] ^= 1
    path.write_bytes(data)
    for fresh_catalogue in (False, True):
        if fresh_catalogue:
            shutil.rmtree(log.folder.derived / "catalogue")
        with log.engine() as engine:
            page = engine.search(Query("clinic", limit=1000))
            (gap,) = page.unreadable
            assert (gap.stream, gap.first, gap.end) == (STREAM, 30, 60)
            assert gap.code == "segment-altered"
            assert sorted(row["index"] for row in page.rows) == [*range(30), *range(60, 100)]
            with pytest.raises(IntegrityError):
                indices(engine)
            with pytest.raises(IntegrityError):
                list(engine.lines("clinic", STREAM))
            with pytest.raises(IntegrityError):
                engine.line("clinic", STREAM, 45)
            assert engine.line("clinic", STREAM, 29) == log.lines[STREAM][29]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_segment_whose_key_or_file_is_gone_is_named(log, number):
    name = log.folder.segments(STREAM)[number]
    with log.engine() as engine:
        engine.search(Query("clinic"))
    log.keys.pop(list(log.keys)[number])
    with log.engine() as engine:
        (gap,) = engine.search(Query("clinic")).unreadable
        assert (gap.first, gap.end, gap.code) == (number * 30, number * 30 + 30, "key-unknown")
    log.folder.segment(name).unlink()
    with log.engine() as engine:
        (gap,) = engine.search(Query("clinic")).unreadable
        assert (gap.first, gap.end, gap.code) == (number * 30, number * 30 + 30, "absent")
        with pytest.raises(AccessError):
            engine.line("clinic", STREAM, number * 30)


def test_a_segment_under_another_name_is_not_taken_for_it(log):
    names = log.folder.segments(STREAM)
    first, second = (log.folder.segment(name) for name in names[:2])
    second.write_bytes(first.read_bytes())
    with log.engine() as engine:
        (gap,) = engine.search(Query("clinic", limit=1000)).unreadable
        assert (gap.first, gap.end, gap.code) == (30, 60, "segment-altered")


def test_a_look_up_opens_only_the_segments_that_may_hold_it(log):
    answers(log)
    with log.engine() as engine:
        opened = []
        log.key, key = lambda key_id: opened.append(key_id) or key(key_id), log.key
        assert indices(engine, LOOK_UPS[2]) == [63, 64, 65]
    assert len(opened) == 1


def test_a_bloom_filter_forgets_nothing_and_excludes_nearly_everything_else():
    values = [f"value {number}" for number in range(2000)]
    octets_ = bloom(values)
    assert all(perhaps(octets_, value) for value in values)
    false = sum(perhaps(octets_, f"other {number}") for number in range(5000))
    assert false < 50
    assert not perhaps(bloom([]), "anything")
    assert len(octets_) == 3000


def test_the_cache_stays_within_its_octets(log):
    cache = ColumnCache(octets=20_000)
    with log.engine(cache=cache) as engine:
        whole = engine.search(Query("clinic", limit=1000)).rows
        assert cache.octets <= 20_000
        assert engine.search(Query("clinic", limit=1000)).rows == whole
    with log.engine(cache=ColumnCache(octets=0)) as engine:
        assert engine.search(Query("clinic", limit=1000)).rows == whole
