"""The engine answers as a plain loop over all records would, however they are stored."""

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from auditroll.event.times import format_time
from auditroll.query import Filter, Query
from auditroll.query.bloom import bloom, perhaps
from tests.unit.query.log import Log
from tests.unit.segment.records import START_MS, pseudonym, request

STREAMS = ("a1" * 16, "b2" * 16)

RECORDS = st.builds(
    lambda number, at, fields: request(number, timestamp=format_time(START_MS + at), **fields),
    st.integers(0, 40),
    # Few instants, so that many records share one and the order among them shows.
    st.integers(0, 6),
    st.fixed_dictionaries(
        {},
        optional={
            "user_agent": st.sampled_from(["curl/8", "Mozilla", '"', "100%"]),
            "changed_fields": st.lists(st.sampled_from(["a", "b", "c"]), unique=True).map(sorted),
            "bytes_out": st.sampled_from([0, 1, 2**53 - 1]),
        },
    ),
)
HOLDS = {
    "eq": lambda found, value: found == value,
    "ne": lambda found, value: found != value,
    "lt": lambda found, value: found is not None and found < value,
    "lte": lambda found, value: found is not None and found <= value,
    "gt": lambda found, value: found is not None and found > value,
    "gte": lambda found, value: found is not None and found >= value,
    "in": lambda found, value: found in value,
    "prefix": lambda found, value: found is not None and found.startswith(value),
    "contains": lambda found, value: found is not None and value in found,
    "exists": lambda found, value: (found is not None) == value,
}
COMPARED = st.sampled_from(["eq", "ne", "lt", "lte", "gt", "gte"])
FILTERS = st.one_of(
    st.builds(Filter, st.just("status_code"), COMPARED, st.sampled_from([199, 200, 403])),
    st.builds(Filter, st.just("bytes_out"), COMPARED, st.sampled_from([0, 1, 2**53 - 1])),
    st.builds(
        Filter, st.just("timestamp"), COMPARED, st.integers(0, 6).map(lambda at: START_MS + at)
    ),
    st.builds(
        Filter,
        st.just("user_id"),
        st.sampled_from(["eq", "ne"]),
        st.integers(0, 12).map(lambda number: pseudonym(2000 + number)),
    ),
    st.builds(
        Filter,
        st.just("service_name"),
        st.just("in"),
        st.lists(st.sampled_from(["records", "billing", "none"]), min_size=1),
    ),
    st.builds(
        Filter,
        st.just("user_agent"),
        st.sampled_from(["prefix", "contains", "eq"]),
        st.sampled_from(["", "curl", '"', "%", "_"]),
    ),
    st.builds(Filter, st.just("changed_fields"), st.just("contains"), st.sampled_from(["a", "z"])),
    st.builds(Filter, st.just("changed_fields"), st.just("exists"), st.booleans()),
)
# What is appended to which stream, and whether the stream is sealed after it.
STEPS = st.lists(
    st.tuples(st.integers(0, 1), st.lists(RECORDS, min_size=1, max_size=8), st.booleans()),
    max_size=6,
)


def holds(record, item):
    found = record.get(item.field)
    value = format_time(item.value) if item.field == "timestamp" else item.value
    return HOLDS[item.op](found, value)


@settings(max_examples=60, deadline=None)
@given(
    STEPS,
    st.lists(FILTERS, max_size=3),
    st.sampled_from(["newest", "oldest"]),
    st.integers(1, 9),
    st.one_of(st.none(), st.integers(0, 7)),
    st.one_of(st.none(), st.integers(0, 7)),
)
def test_pages_equal_a_loop_over_all_records(steps, filters, order, limit, since, until):
    with tempfile.TemporaryDirectory() as root:
        log = Log(Path(root))
        for stream in STREAMS:
            log.open_stream(stream)
        for which, records, seal in steps:
            log.append(STREAMS[which], records)
            if seal:
                log.seal(STREAMS[which])
        query = Query(
            "clinic",
            filters,
            time_from=None if since is None else START_MS + since,
            time_to=None if until is None else START_MS + until,
            order=order,
            limit=limit,
        )
        found = []
        with log.engine() as engine:
            page = engine.search(query)
            found += page.rows
            while page.cursor:
                page = engine.search(replace(query, cursor=page.cursor))
                found += page.rows
    assert found == expected(log, query)


def expected(log, query):
    records = [line.record() for stream in STREAMS for line in log.lines[stream]]
    times = [
        Filter("timestamp", op, bound)
        for op, bound in (("gte", query.time_from), ("lt", query.time_to))
        if bound is not None
    ]
    kept = [
        record
        for record in records
        if all(holds(record, item) for item in [*query.filters, *times])
    ]
    kept.sort(
        key=lambda record: (record["timestamp"], record["stream"], record["index"]),
        reverse=query.order == "newest",
    )
    return kept


@given(st.sets(st.text(st.characters(exclude_categories=("Cs",)))))
def test_a_bloom_filter_never_denies_what_it_holds(values):
    octets = bloom(sorted(values))
    assert all(perhaps(octets, value) for value in values)
