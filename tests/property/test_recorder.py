"""Whatever an application says, a record comes out that the collector takes."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from auditroll.event import FIELDS, MAX_LINE_OCTETS
from auditroll.recorder.build import Builder
from tests.unit.recorder.support import CREDENTIAL, REQUEST, checked

BUILDER = Builder(CREDENTIAL, "frontdesk", "test")
EPOCH = "0123456789abcdef0123456789abcdef"

TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["anonymous", "patient:1", "order:7", "x:", ":x", "GET", "ok", "denied", "\ud800"]
    ),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.binary(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
ENUMS = [value for spec in FIELDS.values() for value in spec.values]
NAMES = st.sampled_from([*FIELDS, "action", "purpose", "nonsense"])


def kept(fields: dict[str, Any]) -> dict[str, Any]:
    """Build as the recorder does, and return what the collector reads."""
    try:
        event = BUILDER.build(fields)
    except Exception:  # noqa: BLE001  so does the recorder
        event = BUILDER.fallback(fields)
    line = BUILDER.line(event, EPOCH, 1)
    assert len(line) <= MAX_LINE_OCTETS
    assert b"\n" not in line
    return checked(line)


@settings(max_examples=300)
@given(st.dictionaries(NAMES, VALUES | st.sampled_from(ENUMS), max_size=12))
def test_any_fields_become_a_valid_record(fields: dict[str, Any]) -> None:
    kept(fields)


@settings(max_examples=300)
@given(st.dictionaries(NAMES, VALUES | st.sampled_from(ENUMS), max_size=4))
def test_a_request_survives_any_changes(changes: dict[str, Any]) -> None:
    kept(REQUEST | changes)


@given(
    st.lists(st.text(min_size=1, max_size=700), min_size=1, max_size=110),
    st.dictionaries(st.from_regex(r"\A[a-z]{1,60}\Z"), st.integers(0, 9), max_size=32),
)
@settings(max_examples=25)
def test_any_length_fits(ids: list[str], ext: dict[str, int]) -> None:
    found = kept(
        REQUEST
        | {"resource_id": None, "resource_ids": [f"patient:{one}" for one in ids], "ext": ext}
    )
    assert found["event_type"] == "http.request"
    if len(found.get("resource_ids", ())) < len(ids):
        assert "resource_ids" in found["cut_fields"] or found["dropped_fields"]


@given(TEXTS.filter(lambda text: text not in {"", "anonymous"}))
def test_no_user_is_ever_taken_for_nobody(user: str) -> None:
    assert kept(REQUEST | {"user_id": user})["user_id"] != "anonymous"
