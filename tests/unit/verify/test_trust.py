"""What a trust file may say, and what makes it useless."""

from typing import Any

import pytest

from auditroll.event.canonical import encode
from auditroll.tlog import Cosigner
from auditroll.verify import BadTrust, Report, Trust, verify_bundle
from auditroll.verify.report import EXIT_CODES, VERDICTS
from tests.conformance.memory import MemoryReader
from tests.unit.verify.bundles import DATA, ROOT, SECRET, Log, listed, with_manifest

GOOD = Log().trust()
VKEY = Cosigner("one.example", SECRET).vkey


def test_streams_come_root_first_and_the_root_is_always_among_them() -> None:
    trust = Trust.parse(encode(GOOD))
    assert trust.streams[0].stream == ROOT
    alone = Trust.parse(encode(GOOD | {"streams": [{"min_size": 4, "stream": DATA}]}))
    assert [(s.stream, s.min_size) for s in alone.streams] == [(ROOT, 0), (DATA, 4)]


def test_any_key_order_and_white_space_will_do() -> None:
    assert Trust.parse(encode(GOOD).replace(b",", b" ,\n")) == Trust.parse(encode(GOOD))


def test_a_quorum_is_all_witnesses_unless_said() -> None:
    trust = Trust.parse(encode(GOOD | {"witnesses": [VKEY]}))
    assert (len(trust.witnesses), trust.quorum) == (1, 1)


@pytest.mark.parametrize("name", ["format", "installation", "keys", "root_stream", "streams"])
def test_what_is_required_may_not_be_absent(name: str) -> None:
    with pytest.raises(BadTrust, match=name):
        Trust.parse(encode({key: value for key, value in GOOD.items() if key != name}))


KEY = GOOD["keys"][0]


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "auditroll-trust/2"},
        {"installation": "UPPER"},
        {"installation": 7},
        {"root_stream": "AB" * 16},
        {"streams": {}},
        {"streams": [7]},
        {"streams": [{"min_size": 1, "stream": DATA}] * 2},
        {"streams": [{"min_size": -1, "stream": DATA}]},
        {"streams": [{"min_size": True, "stream": DATA}]},
        {"streams": [{"min_size": 1, "required": [[1]], "stream": DATA}]},
        {"streams": [{"min_size": 1, "required": [["0", 1]], "stream": DATA}]},
        {"streams": [{"min_size": 1, "required": 7, "stream": DATA}]},
        {"keys": [KEY | {"public": "00"}]},
        {"keys": [KEY | {"until_size": "9"}]},
        {"keys": [{"alg": "ed25519"}]},
        {"last_checkpoint": 7},
        {"last_checkpoint": {"root": "00", "size": 1}},
        {"last_checkpoint": {"root": "00" * 32}},
        {"time_range": ["2026-01-01T00:00:00.000Z"]},
        {"time_range": ["2026-01-01T00:00:00.000Z", "later"]},
        {"witnesses": ["x"]},
        {"witnesses": [7]},
        {"quorum": -1},
    ],
)
def test_what_is_malformed_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadTrust):
        Trust.parse(encode(GOOD | changes))


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(BadTrust, match="syntax"):
        Trust.parse(b"{")


def test_a_bundle_whose_trust_file_is_useless_cannot_be_judged() -> None:
    files = with_manifest(listed().files() | {"trust.json": b"{}"})
    report = verify_bundle(MemoryReader(files))
    assert (report.verdict, report.exit) == ("cannot-judge", 2)


def test_the_gravest_finding_decides() -> None:
    report = Report()
    assert (report.verdict, report.exit) == ("ok", 0)
    for verdict in reversed(VERDICTS):
        report.add(verdict, "-", 0, 0)
        assert (report.verdict, report.exit) == (verdict, EXIT_CODES[verdict])
