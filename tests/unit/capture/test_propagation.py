import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from auditroll.capture.audit import audit
from auditroll.capture.propagation import (
    new_request_id,
    parse_traceparent,
    request_id_of,
    upstream_id_of,
)
from auditroll.event.grammar import GRAMMARS
from tests.unit.capture.harness import audited, get

RID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACE = f"00-{RID}-00f067aa0ba902b7-01"
PROXY = ("10.0.0.9", 1)


def record_of(headers, client=PROXY):
    handed_on = {}

    async def handler(request):
        handed_on.update(audit.headers())
        return JSONResponse({})

    app, recorder, _ = audited(Starlette(routes=[Route("/", handler)]), trusted=["10.0.0.0/8"])
    get(app, "/", headers=headers, client=client)
    return recorder.only, handed_on


@pytest.mark.parametrize(
    "rid",
    [RID, "123e4567-e89b-12d3-a456-426614174000", "1-67891233-abcdef012345678912345678"],
)
def test_a_trusted_peers_request_id_is_kept_and_handed_on(rid):
    record, handed_on = record_of([("x-request-id", rid)])
    assert record["request_id"] == rid
    assert "upstream_request_id" not in record
    assert handed_on == {"x-request-id": rid}


def test_a_clients_own_id_goes_to_its_own_field():
    record, _ = record_of([("x-request-id", RID)], client=("203.0.113.7", 1))
    assert record["request_id"] != RID
    assert GRAMMARS["RID"](record["request_id"])
    assert record["upstream_request_id"] == RID


def test_a_trusted_peers_id_of_another_form_goes_to_its_own_field():
    record, _ = record_of([("x-request-id", "0351335E-5C3E_AC14010B-0050")])
    assert record["upstream_request_id"] == "0351335E-5C3E_AC14010B-0050"


@pytest.mark.parametrize("value", ["jane@example.com", "a b", "x" * 129, "", "a\u00e4"])
def test_what_fits_no_grammar_is_not_kept(value):
    record, _ = record_of([("x-request-id", value)])
    assert "upstream_request_id" not in record
    assert value == "" or value not in str(record)


def test_two_ids_are_no_id():
    record, _ = record_of([("x-request-id", RID), ("x-request-id", RID)])
    assert record["request_id"] != RID


def test_a_trusted_trace_is_recorded_and_handed_on_unchanged():
    record, handed_on = record_of([("traceparent", TRACE)])
    assert (record["trace_id"], record["span_id"]) == (RID, "00f067aa0ba902b7")
    assert handed_on["traceparent"] == TRACE


def test_an_untrusted_trace_is_not_believed():
    record, handed_on = record_of([("traceparent", TRACE)], client=("203.0.113.7", 1))
    assert "trace_id" not in record
    assert "traceparent" not in handed_on


@pytest.mark.parametrize(
    "text",
    [
        "",
        TRACE + "-x",
        TRACE.upper(),
        "01" + TRACE[2:],
        "ff" + TRACE[2:],
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{RID}-{'0' * 16}-01",
        TRACE + "\n",
        " " + TRACE,
    ],
)
def test_a_traceparent_is_exactly_one(text):
    assert parse_traceparent(text) is None


@given(st.text(max_size=140))
def test_only_what_fits_the_grammars_is_kept(text):
    for kept, name in ((request_id_of(text), "RID"), (upstream_id_of(text), "UPSTREAM")):
        assert (kept is not None) == bool(GRAMMARS[name](text))


def test_minted_ids_are_never_repeated():
    minted = [new_request_id() for _ in range(1_000)]
    assert len(set(minted)) == 1_000
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in minted)


def test_a_forked_process_mints_ids_of_its_own():
    new_request_id()
    read, write = os.pipe()
    if os.fork() == 0:  # pragma: no cover  the child
        os.write(write, new_request_id().encode())
        os._exit(0)
    os.wait()
    theirs = os.read(read, 64).decode()
    os.close(read)
    os.close(write)
    assert theirs != new_request_id()
    assert theirs not in [new_request_id() for _ in range(300)]
