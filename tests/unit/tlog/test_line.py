"""Commitments, leaves and the three forms of a line."""

from typing import Any

import pytest

from auditroll.event.canonical import Refused, encode
from auditroll.event.fields import SLOTS
from auditroll.tlog import BadLine, Hidden, Line, encode_line, leaf_hash, parse_line, withhold
from auditroll.tlog.slots import commitment, make_leaf, salts, seal_record, seal_slots, split

SEED = bytes(range(16))
RECORD: dict[str, Any] = {
    "action_type": "READ",
    "event_type": "http.request",
    "resource_id": "patient:p_" + "0" * 32,
    "user_agent": 'a "quoted" agent',
    "user_id": "anonymous",
    "on_behalf_of": "p_" + "1" * 32,
}


def whole() -> Line:
    public, slots, sealed = seal_record(dict(RECORD), SEED)
    leaf = make_leaf(
        public,
        stream="ab" * 16,
        index=3,
        prev_hash="0" * 64,
        sealed=sealed,
        received_at="2026-01-01T00:00:00.000Z",
    )
    return Line(leaf=leaf, seed=SEED, slots=slots)


def hidden_line(slot: str = "agent", why: str = "redacted") -> Line:
    line = whole()
    known = dict(zip(SLOTS, salts(SEED), strict=True))
    digest = commitment(known[slot], line.slots.get(slot, {})).hex()
    marker = "[REDACTED:EMAIL]" if why == "redacted" else None
    return Line(
        leaf=line.leaf,
        slots={name: fields for name, fields in line.slots.items() if name != slot},
        hidden={slot: Hidden(digest, why, marker)},
        salts={name: salt for name, salt in known.items() if name != slot},
    )


def test_sealing_moves_the_slots_out_and_commits_to_all_six() -> None:
    public, slots, sealed = seal_record(dict(RECORD), SEED)
    assert public == {"action_type": "READ", "event_type": "http.request"}
    assert (public, slots) == split(RECORD)
    assert sealed == seal_slots(SEED, slots)
    assert sealed != seal_slots(SEED, slots | {"source": {"source_net": "192.0.2.0/24"}})
    assert sealed != seal_slots(bytes(16), slots)


def test_a_seed_has_sixteen_octets() -> None:
    with pytest.raises(ValueError, match="16 octets"):
        salts(bytes(15))


def test_a_leaf_that_is_too_long_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        make_leaf({"x": "y" * 65_535}, stream="", index=0, prev_hash="", sealed="", received_at="")
    assert caught.value.code == "size"


@pytest.mark.parametrize("line", [whole(), hidden_line(), hidden_line("source", "withheld")])
def test_lines_round_trip_and_keep_their_proof(line: Line) -> None:
    octets = encode_line(line)
    assert octets.endswith(b"\n")
    again = parse_line(octets[:-1])
    assert again == line
    assert again.sealed() == again.record()["sealed"]
    assert again.leaf_hash() == leaf_hash(line.leaf)


def test_a_leaf_only_line_keeps_index_and_hash() -> None:
    line = Line(index=9, hash_only=bytes(32))
    assert parse_line(encode_line(line)[:-1]) == line
    assert line.leaf_hash() == bytes(32)
    assert line.record() == {"index": 9}


def test_a_record_is_public_part_and_shown_slots_together() -> None:
    assert RECORD.items() <= whole().record().items()
    assert "user_agent" not in hidden_line().record()


def members(line: Line, **changes: Any) -> bytes:
    found = {**parse_members(line), **changes}
    return encode({name: value for name, value in found.items() if value is not None})


def parse_members(line: Line) -> dict[str, Any]:
    from auditroll.event.canonical import decode_exact

    return decode_exact(encode_line(line)[:-1], limit=2**20)


HIDDEN = parse_members(hidden_line())
AGENT = HIDDEN["hidden"]["agent"]


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{}",
        b"[]",
        encode_line(whole()),
        encode_line(whole())[:-1].replace(b"{", b"{ ", 1),
        members(whole(), leaf=""),
        members(whole(), leaf=7),
        members(whole(), seed="AB" * 16),
        members(whole(), seed="ab" * 15),
        members(whole(), slots=[]),
        members(whole(), slots={"actor": {}}),
        members(whole(), slots={"actor": "x"}),
        members(whole(), slots={"nobody": {"user_id": "anonymous"}}),
        members(whole(), slots={"actor": {"action_type": "READ"}}),
        members(whole(), more=1),
        members(whole(), hidden=HIDDEN["hidden"]),
        members(hidden_line(), seed=SEED.hex()),
        members(hidden_line(), hidden={}),
        members(hidden_line(), hidden={"nobody": AGENT}),
        members(hidden_line(), hidden={"agent": "x"}),
        members(hidden_line(), hidden={"agent": AGENT | {"why": "other"}}),
        members(hidden_line(), hidden={"agent": AGENT | {"why": "withheld"}}),
        members(hidden_line(), hidden={"agent": AGENT | {"marker": "[REDACTED:e]"}}),
        members(hidden_line(), hidden={"agent": AGENT | {"commitment": "00"}}),
        members(hidden_line(), hidden={"agent": {"commitment": "0" * 64, "why": "redacted"}}),
        members(hidden_line(), salts=HIDDEN["salts"] | {"agent": "0" * 32}),
        members(hidden_line(), salts={}),
        members(hidden_line(), salts=[]),
        members(hidden_line(), salts=HIDDEN["salts"] | {"actor": "x"}),
        members(hidden_line(), slots=HIDDEN["slots"] | {"agent": {"user_agent": "x"}}),
        encode({"index": -1, "leaf_hash": "0" * 64}),
        encode({"index": True, "leaf_hash": "0" * 64}),
        encode({"index": 1, "leaf_hash": "0" * 63}),
        encode({"index": 1, "leaf_hash": 0}),
    ],
)
def test_what_is_no_line_of_the_format_is_refused(octets: bytes) -> None:
    with pytest.raises(BadLine):
        parse_line(octets)


def test_a_withheld_slot_is_gone_and_the_line_still_proves_its_leaf() -> None:
    line = withhold(whole(), ["actor", "agent"])
    octets = encode_line(line)
    assert parse_line(octets[:-1]) == line
    assert line.sealed() == line.record()["sealed"]
    assert b"quoted" not in octets
    assert b"anonymous" not in octets
    assert line.slots == {"resource": whole().slots["resource"]}
    assert {slot: hidden.why for slot, hidden in line.hidden.items()} == {
        "actor": "withheld",
        "agent": "withheld",
    }
    assert line.seed is None


def test_an_empty_slot_is_withheld_like_a_full_one() -> None:
    line = withhold(whole(), ["source"])
    assert line.hidden.keys() == {"source"}
    assert line.sealed() == line.record()["sealed"]


def test_a_redacted_slot_stays_redacted() -> None:
    line = withhold(hidden_line("agent"), ["agent", "actor"])
    assert (line.hidden["agent"].why, line.hidden["actor"].why) == ("redacted", "withheld")
    assert line.sealed() == line.record()["sealed"]


def test_withholding_nothing_changes_nothing() -> None:
    assert withhold(whole(), []) == whole()
    assert withhold(hidden_line("agent"), ["agent"]) == hidden_line("agent")
    leaf_only = Line(index=9, hash_only=bytes(32))
    assert withhold(leaf_only, SLOTS) == leaf_only


def test_only_slots_can_be_withheld() -> None:
    with pytest.raises(ValueError, match="timestamp"):
        withhold(whole(), ["timestamp"])
