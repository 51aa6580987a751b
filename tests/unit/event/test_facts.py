"""Facts: section 6, type by type."""

from typing import Any

import msgspec
import pytest

from auditroll.event import Invalid, check_event
from auditroll.event.canonical import decode
from auditroll.event.facts import FACTS, check_fact
from tests.support import ROOT
from tests.unit.event.records import UUID

TIME = "2026-01-01T00:00:00.000Z"
LATER = "2026-01-02T00:00:00.000Z"
H32 = "ab" * 32
ID16 = "cd" * 16
OBJECT = f"streams/{ID16}/segments/{0:020d}-0000.parquet"
ALGORITHMS = {
    "commitment": "sha256-shake128",
    "hash": "sha256",
    "signature": "ed25519",
    "tree": "rfc6962",
}
WATERMARK = {"epoch": ID16, "producer_id": "p", "ranges": [[0, 7]]}

FIELDS: dict[str, dict[str, Any]] = {
    "ledger.genesis": {
        "stream_kind": "ledger",
        "installation": "log.example/toy",
        "algorithms": ALGORITHMS,
        "keys": [{"alg": "ed25519", "public": H32}],
        "predecessor": {"kind": "reissue", "stream": ID16, "size": 3, "root": H32, "touched": []},
    },
    "root.heads": {
        "heads": [{"root": H32, "size": 5, "stream": ID16}],
        "part": 1,
        "parts": 1,
        "tenant_id": None,
    },
    "root.anchor": {
        "checkpoint_size": 5,
        "authority": "tsa",
        "token_sha256": H32,
        "tenant_id": None,
    },
    "ledger.seal": {
        "target_stream": ID16,
        "data_class": "standard",
        "first_index": 4,
        "count": 8,
        "generation": 0,
        "tree_root": H32,
        "compact_range": [H32, H32],
        "last_leaf_hash": H32,
        "received_min": TIME,
        "received_max": LATER,
        "timestamp_min": TIME,
        "timestamp_max": TIME,
        "object_name": OBJECT,
        "object_sha256": H32,
        "object_bytes": 4096,
        "segment_key_id": "seg-1",
        "index_roots": [],
        "watermarks": [WATERMARK],
        "part": 1,
        "parts": 2,
    },
    "ledger.redaction": {
        "target_stream": ID16,
        "target_index": 5,
        "slot": "detail",
        "slot_commitment": H32,
        "marker": "[REDACTED:EMAIL]",
        "reason_code": "leak",
        "approval_ids": [UUID, UUID],
    },
    "ledger.rewrite": {
        "target_stream": ID16,
        "first_index": 0,
        "count": 4,
        "generation": 1,
        "object_name": OBJECT,
        "object_sha256": H32,
        "object_bytes": 4096,
        "segment_key_id": "seg-2",
        "reason_code": "redaction",
    },
    "ledger.recovery": {
        "journal_file": f"{7:020d}.arj",
        "valid_octets": 100,
        "lost_octets": 3,
        "last_frame": 9,
        "reason_code": "torn-tail",
    },
    "ledger.gap": {
        "gap_kind": "hole",
        "gap_producer_id": "p",
        "gap_epoch": ID16,
        "ranges": [[3, 4]],
        "resolved": False,
    },
    "retention.policy": {
        "data_class": "standard",
        "policy_id": "six-years",
        "policy_version": 1,
        "retain_days": 2190,
        "note": "Documentation duty",
    },
    "retention.hold": {"hold_id": UUID, "data_class": "standard", "note": "Case"},
    "retention.release": {"hold_id": UUID, "data_class": "standard", "note": "Closed"},
    "retention.deletion": {
        "target_stream": ID16,
        "first_index": 0,
        "count": 4,
        "tree_root": H32,
        "policy_id": "six-years",
        "policy_version": 1,
        "note": "Expired",
    },
    "key.rotation": {
        "old_public": H32,
        "new_public": H32,
        "alg": "ed25519",
        "effective_size": 9,
        "old_signature": "QUFB",
        "new_signature": "QUFB",
        "tenant_id": None,
    },
    "key.destroyed": {
        "destroyed_key_id": "seg-1",
        "key_use": "segment",
        "reason_code": "expired",
    },
    "vault.binding": {"bindings": [H32]},
    "privacy.erasure": {"case_id": UUID, "rows": 1, "tombstones": 1, "approval_ids": []},
}


def fact(event_type: str, **fields: Any) -> dict[str, Any]:
    """Return a valid fact; a field given as None is left out."""
    record = {
        "event_id": "019b76da-d2f8-7c18-8dd6-b978e79235e9",
        "event_type": event_type,
        "tenant_id": "clinic",
        "timestamp": TIME,
        **FIELDS.get(event_type, {}),
        **fields,
    }
    return {name: value for name, value in record.items() if value is not None}


def verdict(record: dict[str, Any]) -> str:
    try:
        check_fact(record)
    except Invalid as invalid:
        return f"{invalid.code} {invalid.field}"
    return ""


def test_every_fact_has_an_example() -> None:
    assert FIELDS.keys() == FACTS.keys()


@pytest.mark.parametrize("event_type", sorted(FIELDS))
def test_valid(event_type: str) -> None:
    assert verdict(fact(event_type)) == ""


@pytest.mark.parametrize("event_type", sorted(FIELDS))
def test_each_field_is_needed_unless_optional(event_type: str) -> None:
    optional = FACTS[event_type].optional
    for name in FACTS[event_type].fields:
        without = verdict(fact(event_type, **{name: None}))
        assert without == ("" if name in optional else f"required {name}")


@pytest.mark.parametrize("event_type", sorted(FIELDS))
def test_no_field_takes_a_value_of_another_kind(event_type: str) -> None:
    for name in FACTS[event_type].fields:
        assert verdict(fact(event_type, **{name: 1.5})) == f"grammar {name}"


@pytest.mark.parametrize("event_type", sorted(FIELDS))
def test_a_fact_has_no_field_of_an_event(event_type: str) -> None:
    assert verdict(fact(event_type, user_id="anonymous")) == "grammar user_id"


@pytest.mark.parametrize("event_type", sorted(FIELDS))
def test_a_fact_is_no_event(event_type: str) -> None:
    with pytest.raises(Invalid):
        check_event(fact(event_type), stored=True)


@pytest.mark.parametrize("event_type", ["http.request", "", None, 5])
def test_an_event_is_no_fact(event_type: Any) -> None:
    assert verdict({"event_type": event_type}) == "grammar event_type"


@pytest.mark.parametrize(
    ("event_type", "fields", "expected"),
    [
        ("ledger.gap", {"tenant_id": None}, "required tenant_id"),
        ("ledger.gap", {"event_id": None}, "required event_id"),
        ("ledger.gap", {"index": 3}, ""),
        ("ledger.gap", {"index": 0}, "consistency index"),
        ("ledger.gap", {"received_at": TIME}, ""),
        ("ledger.gap", {"received_at": LATER}, "consistency timestamp"),
        ("ledger.gap", {"ranges": [[4, 3]]}, "grammar ranges"),
        ("root.heads", {"tenant_id": "clinic"}, "consistency tenant_id"),
        ("root.heads", {"part": 2}, "consistency part"),
        ("root.heads", {"heads": FIELDS["root.heads"]["heads"] * 2}, "grammar heads"),
        ("ledger.genesis", {"index": 0}, ""),
        ("ledger.genesis", {"index": 1}, "consistency index"),
        ("ledger.genesis", {"stream_kind": "root"}, "consistency tenant_id"),
        ("ledger.genesis", {"stream_kind": "root", "tenant_id": None}, ""),
        ("ledger.genesis", {"stream_kind": "data"}, "consistency data_class"),
        ("ledger.genesis", {"stream_kind": "data", "data_class": "standard"}, ""),
        ("ledger.genesis", {"data_class": "standard"}, "consistency data_class"),
        ("ledger.genesis", {"keys": []}, "grammar keys"),
        ("ledger.seal", {"data_class": None, "tenant_id": None}, ""),
        ("ledger.seal", {"received_min": LATER, "received_max": TIME}, "consistency received_min"),
        ("ledger.seal", {"timestamp_min": LATER}, "consistency timestamp_min"),
        ("ledger.seal", {"compact_range": [H32]}, "consistency compact_range"),
        ("ledger.seal", {"part": 3}, "consistency part"),
        ("ledger.seal", {"watermarks": [WATERMARK, WATERMARK]}, "grammar watermarks"),
        (
            "ledger.seal",
            {"index_roots": [{"field": "b", "root": H32}, {"field": "a", "root": H32}]},
            "grammar index_roots",
        ),
        ("ledger.redaction", {"approval_ids": [UUID]}, "grammar approval_ids"),
        ("ledger.recovery", {"reason_code": "restore"}, "consistency approval_ids"),
        ("ledger.recovery", {"reason_code": "restore", "approval_ids": [UUID]}, ""),
        ("ledger.recovery", {"approval_ids": [UUID]}, "consistency approval_ids"),
        ("retention.policy", {"retain_days": 0}, "grammar retain_days"),
        ("vault.binding", {"bindings": [H32] * 901}, "grammar bindings"),
    ],
)
def test_rules(event_type: str, fields: dict[str, Any], expected: str) -> None:
    assert verdict(fact(event_type, **fields)) == expected


def test_the_records_of_the_vectors_are_valid() -> None:
    vectors = msgspec.json.decode((ROOT / "vectors" / "vectors.json").read_bytes())["vectors"]
    base = next(vector for vector in vectors if vector["kind"] == "bundle-base")
    seen: set[str] = set()
    for path, text in base["files"].items():
        if "/records/" in path:
            for line in text.splitlines():
                held = msgspec.json.decode(line)
                record = decode(held["leaf"].encode())
                for slot in held["slots"].values():
                    record |= slot
                seen.add(record["event_type"])
                if record["event_type"] in FACTS:
                    check_fact(record)
                else:
                    check_event(record, stored=True)
    assert {"http.request", "ledger.genesis", "ledger.seal", "root.heads"} <= seen
