"""Search finds what is there, in order, page by page, and nobody else's."""

import threading
from dataclasses import replace

import pytest

from auditroll.errors import AccessError, IntegrityError, ProducerError
from auditroll.event.times import format_time
from auditroll.query import Filter, Query
from tests.unit.query.log import Log, indices, places
from tests.unit.segment.records import (
    START_MS,
    hide,
    model_call,
    pseudonym,
    request,
    seal_fact,
)

STREAM = "a1" * 16
LEDGER = "b2" * 16
OTHER = "c3" * 16
YES = True


@pytest.fixture
def log(tmp_path):
    """Two sealed segments and a tail of one stream, a ledger, and another tenant's stream."""
    log = Log(tmp_path)
    log.open_stream(STREAM)
    records = [request(number) for number in range(90)]
    records[5] = model_call(5, trace_id="7" * 32)
    records[50] = model_call(50)
    records[80] = request(80, event_type="producer.heartbeat", last_seq=79, seen=80)
    log.append(STREAM, records)
    log.seal(STREAM, 40)
    log.seal(STREAM, 70)
    log.open_stream(LEDGER, data_class="")
    log.append(LEDGER, [seal_fact(number) for number in range(3)])
    log.open_stream(OTHER, tenant="lab")
    log.append(OTHER, [request(number, tenant_id="lab") for number in range(10)])
    return log


@pytest.fixture
def engine(log):
    with log.engine() as engine:
        yield engine


def records_of(log, stream=STREAM):
    return [line.record() for line in log.lines[stream]]


def test_rows_are_the_records_with_their_place(log, engine):
    page = engine.search(Query("clinic", order="oldest", limit=100, streams=[STREAM]))
    assert page.rows == records_of(log)
    assert [list(row) for row in page.rows] == [sorted(row) for row in page.rows]
    assert (page.cursor, page.truncated, page.unreadable) == (None, False, [])
    assert page.pinned.streams == {STREAM: 90}
    assert page.pinned.root_checkpoint == "checkpoint of 103"


def test_newest_first_is_the_reverse_of_oldest_first_over_all_streams(engine):
    newest = engine.search(Query("clinic", limit=1000))
    oldest = engine.search(Query("clinic", limit=1000, order="oldest"))
    assert places(newest) == places(oldest)[::-1]
    assert len(newest.rows) == 93
    assert newest.rows == sorted(
        newest.rows, key=lambda row: (row["timestamp"], row["stream"], row["index"]), reverse=True
    )


def test_facts_show_their_own_fields(log, engine):
    page = engine.search(Query("clinic", streams=[LEDGER], order="oldest"))
    assert page.rows == records_of(log, LEDGER)
    assert page.rows[0]["watermarks"][0]["ranges"] == [[0, 41]]


@pytest.mark.parametrize("limit", [1, 7, 40, 93])
@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages_join_to_the_whole(engine, limit, order):
    whole = engine.search(Query("clinic", limit=1000, order=order))
    query = Query("clinic", limit=limit, order=order)
    page = engine.search(query)
    found = list(page.rows)
    while page.cursor:
        assert page.truncated
        assert len(page.rows) == limit
        page = engine.search(replace(query, cursor=page.cursor))
        found += page.rows
    assert found == whole.rows
    assert not page.truncated


def test_pages_show_the_state_of_the_first_one_while_records_arrive(log, engine):
    before = engine.search(Query("clinic", limit=1000))
    query = Query("clinic", limit=20)
    page = engine.search(query)
    pinned, found = page.pinned, list(page.rows)
    number = 90
    while page.cursor:
        # In the middle of what is still to be shown, and at its beginning.
        log.append(STREAM, [request(number, timestamp=format_time(START_MS + 40)), request(number)])
        number += 2
        if number == 94:
            log.seal(STREAM, 85)
        page = engine.search(replace(query, cursor=page.cursor))
        assert page.pinned == pinned
        found += page.rows
    assert found == before.rows
    assert len(engine.search(Query("clinic", limit=1000)).rows) > len(found)


def test_new_records_are_found_at_once_and_fetched_once(log, engine):
    assert len(indices(engine)) == 93
    fetched = log.fetched
    log.append(STREAM, [request(90)])
    assert 90 in indices(engine, Filter("index", "gte", 90))
    assert log.fetched == fetched + 1


def test_records_that_come_one_by_one_stay_in_few_parts(log, engine):
    stream = log.open_stream("d4" * 16)
    for number in range(40):
        log.append(stream, [request(number)])
        page = engine.search(Query("clinic", limit=1000, streams=[stream], order="oldest"))
        assert page.rows == records_of(log, stream)
    log.seal(stream, 25)
    log.append(stream, [request(40)])
    page = engine.search(Query("clinic", limit=1000, streams=[stream], order="oldest"))
    assert page.rows == records_of(log, stream)


def test_a_segment_sealed_between_the_looks_is_not_missed(log, engine):
    log.before_tail = lambda: log.seal(STREAM)
    page = engine.search(Query("clinic", streams=[STREAM], limit=1000))
    assert len(page.rows) == 90
    assert page.unreadable == []


def test_sealing_changes_no_answer(log, engine):
    before = engine.search(Query("clinic", limit=1000)).rows
    log.seal(STREAM)
    assert engine.search(Query("clinic", limit=1000)).rows == before
    with log.engine() as fresh:
        assert fresh.search(Query("clinic", limit=1000)).rows == before


FILTERS = [
    (Filter("status_code", "eq", 403), lambda r: r.get("status_code") == 403),
    (Filter("status_code", "eq", "403"), lambda r: r.get("status_code") == 403),
    (Filter("status_code", "gte", 400), lambda r: r.get("status_code", 0) >= 400),
    (Filter("latency_ms", "lt", 10), lambda r: r.get("latency_ms", 99) < 10),
    (Filter("latency_ms", "gt", 80), lambda r: r.get("latency_ms", 0) > 80),
    (Filter("latency_ms", "lte", 3), lambda r: r.get("latency_ms", 99) <= 3),
    (Filter("outcome", "ne", "ok"), lambda r: r.get("outcome") != "ok"),
    (Filter("success", "eq", "false"), lambda r: r.get("success") is False),
    (Filter("success", "ne", YES), lambda r: r.get("success") is not True),
    (
        Filter("service_name", "in", ["billing", "gateway"]),
        lambda r: r.get("service_name") in {"billing", "gateway"},
    ),
    (Filter("status_code", "in", [200, "403"]), lambda r: r.get("status_code") in {200, 403}),
    (Filter("user_id", "eq", pseudonym(2003)), lambda r: r.get("user_id") == pseudonym(2003)),
    (Filter("route", "prefix", "/pat"), lambda r: r.get("route", "").startswith("/pat")),
    (Filter("user_agent", "contains", "%"), lambda r: "%" in r.get("user_agent", "")),
    (Filter("user_agent", "contains", "漢"), lambda r: "漢" in r.get("user_agent", "")),
    (Filter("user_agent", "contains", "Linux"), lambda r: "Linux" in r.get("user_agent", "")),
    (Filter("trace_id", "exists", YES), lambda r: "trace_id" in r),
    (Filter("trace_id", "exists", "false"), lambda r: "trace_id" not in r),
    (Filter("finish_reasons", "exists", YES), lambda r: "finish_reasons" in r),
    (Filter("changed_fields", "contains", "name"), lambda r: "name" in r.get("changed_fields", [])),
    (Filter("changed_fields", "ne", "name"), lambda r: "name" not in r.get("changed_fields", [])),
    (
        Filter("resource_ids", "eq", f"patient:{pseudonym(2)}"),
        lambda r: f"patient:{pseudonym(2)}" in r.get("resource_ids", []),
    ),
    (Filter("redactions", "contains", "EMAIL"), lambda r: "EMAIL" in r.get("redactions", {})),
    (Filter("cut_fields", "contains", "note"), lambda r: "note" in r.get("cut_fields", {})),
    (Filter("ext", "contains", "level"), lambda r: "level" in r.get("ext", {})),
    (Filter("ext", "contains", "unit:x"), lambda r: "unit:x" in r.get("ext", {})),
    (Filter("index", "gte", 85), lambda r: r["index"] >= 85),
    (Filter("stream", "eq", LEDGER), lambda r: r["stream"] == LEDGER),
    (
        Filter("timestamp", "lt", format_time(START_MS + 370)),
        lambda r: r["timestamp"] < format_time(START_MS + 370),
    ),
    (
        Filter("received_at", "gte", START_MS + 740),
        lambda r: r["received_at"] >= format_time(START_MS + 740),
    ),
    (Filter("tokens_in", "eq", 2**53 - 1), lambda r: r.get("tokens_in") == 2**53 - 1),
    (Filter("outcome", "eq", "ok' OR 1=1 --"), lambda _: False),
]


@pytest.mark.parametrize(("condition", "holds"), FILTERS, ids=lambda item: getattr(item, "op", ""))
def test_filters_find_what_fulfils_them(log, engine, condition, holds):
    expected = [record for stream in (STREAM, LEDGER) for record in records_of(log, stream)]
    page = engine.search(Query("clinic", [condition], limit=1000))
    assert sorted(places(page)) == sorted((r["stream"], r["index"]) for r in expected if holds(r))


def test_all_filters_and_the_time_range_must_hold(log, engine):
    query = Query(
        "clinic",
        [Filter("service_name", "eq", "records"), Filter("status_code", "eq", 200)],
        time_from=START_MS + 10 * 37,
        time_to=START_MS + 60 * 37,
        limit=1000,
    )
    expected = [
        record["index"]
        for record in records_of(log)[10:60]
        if record["service_name"] == "records" and record["status_code"] == 200
    ]
    assert sorted(row["index"] for row in engine.search(query).rows) == expected


def test_a_request_is_traced_across_services_in_order(log, engine):
    request_id = records_of(log)[33]["request_id"]
    page = engine.trace("clinic", request_id)
    assert [row["service_name"] for row in page.rows] == ["records", "billing", "gateway"]


@pytest.mark.parametrize(
    "bad",
    [
        Filter("nothing", "eq", 1),
        Filter('outcome" OR true --', "eq", 1),
        Filter("leaf", "exists", YES),
        Filter("last_seq", "eq", 1),
        Filter("status_code", "eq", "many"),
        Filter("status_code", "eq", YES),
        Filter("status_code", "eq", 2**64),
        Filter("status_code", "prefix", "4"),
        Filter("success", "lt", YES),
        Filter("success", "eq", 1),
        Filter("outcome", "eq", ["ok"]),
        Filter("outcome", "in", "ok"),
        Filter("outcome", "in", []),
        Filter("outcome", "exists", "perhaps"),
        Filter("redactions", "eq", "EMAIL"),
        Filter("timestamp", "lt", "2026-01-01"),
        Filter("outcome", "like", "ok"),
    ],
)
def test_what_cannot_be_asked_is_refused(engine, bad):
    with pytest.raises(ProducerError) as caught:
        engine.search(Query("clinic", [bad]))
    assert (caught.value.code, caught.value.status) == ("query-invalid", 400)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_the_limit_has_bounds(engine, limit):
    with pytest.raises(ProducerError):
        engine.search(Query("clinic", limit=limit))


def test_more_filters_than_the_limit_are_refused(engine):
    with pytest.raises(ProducerError):
        engine.search(Query("clinic", [Filter("outcome", "eq", "ok")] * 33))


def test_a_tenant_sees_its_own_streams_only(log, engine):
    assert {row["tenant_id"] for row in engine.search(Query("lab")).rows} == {"lab"}
    assert engine.search(Query("nobody")).rows == []
    with pytest.raises(ProducerError):
        engine.search(Query("clinic", streams=[OTHER]))
    with pytest.raises(AccessError):
        engine.line("clinic", OTHER, 0)
    filters = [Filter("tenant_id", "eq", "lab")]
    assert engine.search(Query("clinic", filters)).rows == []


def test_a_record_of_another_tenant_in_a_stream_is_not_shown(log, engine):
    log.append(STREAM, [request(99, tenant_id="lab")])
    with pytest.raises(IntegrityError) as caught:
        engine.search(Query("clinic"))
    assert caught.value.code == "tenant-mixed"


def test_a_cursor_serves_its_own_query_only(log, engine):
    query = Query("clinic", limit=3)
    cursor = engine.search(query).cursor
    for other in (
        replace(query, tenant="lab"),
        replace(query, order="oldest"),
        replace(query, time_from=0),
        replace(query, filters=[Filter("outcome", "eq", "ok")]),
    ):
        with pytest.raises(ProducerError) as caught:
            engine.search(replace(other, cursor=cursor))
        assert caught.value.code == "cursor-invalid"
    assert len(engine.search(replace(query, limit=5, cursor=cursor)).rows) == 5


@pytest.mark.parametrize("change", ["", "é", "!!!!", "AAAA", "cut", "flip"])
def test_a_made_up_cursor_is_refused(engine, change):
    query = Query("clinic", limit=3)
    cursor = engine.search(query).cursor
    forged = {"cut": cursor[:-2], "flip": cursor[:40] + "AAAA" + cursor[44:]}.get(change, change)
    with pytest.raises(ProducerError) as caught:
        engine.search(replace(query, cursor=forged))
    assert caught.value.code == "cursor-invalid"


def test_a_cursor_outlives_the_engine_when_the_key_is_kept(log):
    query = Query("clinic", limit=50)
    with log.engine(cursor_key=bytes(32)) as first:
        page = first.search(query)
    with log.engine(cursor_key=bytes(32)) as second:
        rest = second.search(replace(query, cursor=page.cursor))
    assert len({*places(page), *places(rest)}) == 93


def test_a_log_that_lost_records_does_not_serve_an_old_cursor(log, engine):
    query = Query("clinic", limit=3)
    cursor = engine.search(query).cursor
    del log.lines[STREAM][-1]
    with pytest.raises(ProducerError) as caught:
        engine.search(replace(query, cursor=cursor))
    assert caught.value.code == "cursor-invalid"


def test_hidden_slots_are_named_and_their_values_absent(log, engine):
    log.lines[STREAM][85] = hide(log.lines[STREAM][85], "actor")
    log.seal(STREAM)
    (row,) = engine.search(Query("clinic", [Filter("index", "eq", 85)])).rows
    assert row["hidden"] == {"actor": "[REDACTED:EMAIL]"}
    assert "user_id" not in row


def test_lines_come_back_from_segments_and_tail(log, engine):
    assert list(engine.lines("clinic", STREAM)) == log.lines[STREAM]
    assert list(engine.lines("clinic", STREAM, first=38, end=72)) == log.lines[STREAM][38:72]
    for index in (0, 39, 40, 69, 70, 89):
        assert engine.line("clinic", STREAM, index) == log.lines[STREAM][index]
    for stream, index in ((STREAM, 90), (STREAM, -1), ("00" * 16, 0)):
        with pytest.raises(AccessError) as caught:
            engine.line("clinic", stream, index)
        assert caught.value.status == 404


def test_a_rewritten_segment_replaces_the_older_generation(log, engine):
    log.sealed[STREAM] = 0
    log.lines[STREAM][3] = hide(log.lines[STREAM][3], "agent")
    log.seal(STREAM, 40, generation=1)
    log.sealed[STREAM] = 70
    assert engine.line("clinic", STREAM, 3) == log.lines[STREAM][3]
    assert len(indices(engine)) == 93


def test_threads_get_the_answers_of_one_thread(log, engine):
    queries = [Query("clinic", [condition], limit=1000) for condition, _ in FILTERS]
    expected = [places(engine.search(query)) for query in queries]
    found = [[] for _ in range(4)]

    def ask(answers):
        answers += [places(engine.search(query)) for query in queries]

    with log.engine() as engine:
        threads = [threading.Thread(target=ask, args=(answers,)) for answers in found]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [expected] * 4
