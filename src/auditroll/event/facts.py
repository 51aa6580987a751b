"""Facts: records about the log itself, made by collector and sequencer (section 6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from auditroll.event.check import Invalid
from auditroll.event.fields import ENVELOPE_FIELDS, FIELDS
from auditroll.event.shape import Array, Choice, Flag, Members, Pair, Shape, Text, Whole, shape_of
from auditroll.event.spec import SLOTS

__all__ = ["FACTS", "Fact", "Home", "check_fact", "fact_shapes"]

Home = Literal["any", "ledger", "root", "both"]
"""Stream that a fact stands in: `any` is index 0 of every stream, `both` ledger and root."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of section 6.

    Args:
        home: Where it stands.
        doc: One sentence for people.
        fields: Its own fields; all required but the optional ones.
        optional: Fields that may be absent.
    """

    home: Home
    doc: str
    fields: Mapping[str, Shape]
    optional: frozenset[str] = frozenset()


_U53: Final = Whole()
_FROM_1: Final = Whole(1)
_H32: Final = Text("H32")
_ID16: Final = Text("ID16")
_NAME: Final = Text("NAME")
_CODE: Final = Text("CODE")
_TIME: Final = Text("TIME")
_UUID: Final = Text("UUID")
_HEX: Final = Text("HEX")
_NOTE: Final = Text("TEXT1024")
_RANGES: Final = Array(Pair())
# Two people approve what takes evidence away (section 6, *).
_APPROVALS: Final = Array(_UUID, least=2)
_ALGORITHM: Final = Choice(("ed25519", "ml-dsa-44"))
_PARTS: Final = {"part": _FROM_1, "parts": _FROM_1}


def _stream_of(head: dict[str, str]) -> str:
    return head["stream"]


def _field_of(index_root: dict[str, str]) -> str:
    return index_root["field"]


def _producer_of(watermark: dict[str, str]) -> tuple[str, str]:
    return watermark["producer_id"], watermark["epoch"]


_PREDECESSOR: Final = Members(
    {
        "kind": Choice(("successor", "reissue")),
        "stream": _ID16,
        "size": _U53,
        "root": _H32,
        "touched": _RANGES,
    },
    frozenset({"touched"}),
)
_ALGORITHMS: Final = Members(
    {
        "commitment": Choice(("sha256-shake128",)),
        "hash": Choice(("sha256",)),
        "signature": Choice(("ed25519", "ed25519+ml-dsa-44")),
        "tree": Choice(("rfc6962",)),
    }
)
_SEAL: Final[Mapping[str, Shape]] = {
    "target_stream": _ID16,
    "data_class": _NAME,
    "first_index": _U53,
    "count": _FROM_1,
    "generation": _U53,
    "tree_root": _H32,
    "compact_range": Array(_H32),
    "last_leaf_hash": _H32,
    "received_min": _TIME,
    "received_max": _TIME,
    "timestamp_min": _TIME,
    "timestamp_max": _TIME,
    "object_name": Text("OBJECT"),
    "object_sha256": _H32,
    "object_bytes": _U53,
    "segment_key_id": _NAME,
    "index_roots": Array(Members({"field": Text("FIELD"), "root": _H32}), key=_field_of),
    "watermarks": Array(
        Members({"epoch": _ID16, "producer_id": _NAME, "ranges": _RANGES}), key=_producer_of
    ),
    **_PARTS,
}

FACTS: Final[Mapping[str, Fact]] = {
    "ledger.genesis": Fact(
        "any",
        "Begins a stream: what it is, by which algorithms, after which predecessor.",
        {
            "stream_kind": Choice(("root", "ledger", "data")),
            "installation": Text("INSTALLATION"),
            "data_class": _NAME,
            "algorithms": _ALGORITHMS,
            "keys": Array(Members({"alg": _ALGORITHM, "public": _HEX}), least=1),
            "predecessor": _PREDECESSOR,
        },
        frozenset({"data_class", "predecessor"}),
    ),
    "root.heads": Fact(
        "root",
        "Lists the newest heads of the streams that grew.",
        {
            "heads": Array(
                Members({"root": _H32, "size": _U53, "stream": _ID16}), most=400, key=_stream_of
            ),
            **_PARTS,
        },
    ),
    "root.anchor": Fact(
        "root",
        "Names a timestamp token over a root checkpoint.",
        {"checkpoint_size": _U53, "authority": _NAME, "token_sha256": _H32},
    ),
    "ledger.seal": Fact("both", "A segment was sealed.", _SEAL, frozenset({"data_class"})),
    "ledger.redaction": Fact(
        "ledger",
        "One slot of one record was redacted.",
        {
            "target_stream": _ID16,
            "target_index": _U53,
            "slot": Choice(SLOTS),
            "slot_commitment": _H32,
            "marker": Text("MARKER"),
            "reason_code": _CODE,
            "approval_ids": _APPROVALS,
        },
    ),
    "ledger.rewrite": Fact(
        "ledger",
        "A segment's object was replaced; its leaves are the same.",
        {
            "target_stream": _ID16,
            "first_index": _U53,
            "count": _FROM_1,
            "generation": _U53,
            "object_name": Text("OBJECT"),
            "object_sha256": _H32,
            "object_bytes": _U53,
            "segment_key_id": _NAME,
            "reason_code": Choice(("redaction", "compaction", "rekey")),
        },
    ),
    "ledger.recovery": Fact(
        "both",
        "The journal was cut at a torn tail, or restored.",
        {
            "journal_file": Text("JOURNAL_FILE"),
            "valid_octets": _U53,
            "lost_octets": _U53,
            "last_frame": _U53,
            "reason_code": Choice(("torn-tail", "restore", "operator")),
            "approval_ids": Array(_UUID),
        },
        frozenset({"approval_ids"}),
    ),
    "ledger.gap": Fact(
        "ledger",
        "A producer's numbers have a hole, or it went silent, or never closed.",
        {
            "gap_kind": Choice(("hole", "silent", "unclosed")),
            "gap_producer_id": _NAME,
            "gap_epoch": _ID16,
            "ranges": _RANGES,
            "resolved": Flag(),
        },
    ),
    "retention.policy": Fact(
        "ledger",
        "How long records of a class are kept, and why.",
        {
            "data_class": _NAME,
            "policy_id": _NAME,
            "policy_version": _U53,
            "retain_days": Whole(1, 36_500),
            "note": _NOTE,
        },
    ),
    "retention.hold": Fact(
        "ledger",
        "A legal hold began: nothing of the class is deleted.",
        {"hold_id": _UUID, "data_class": _NAME, "note": _NOTE},
    ),
    "retention.release": Fact(
        "ledger",
        "A legal hold ended.",
        {"hold_id": _UUID, "data_class": _NAME, "note": _NOTE},
    ),
    "retention.deletion": Fact(
        "ledger",
        "An expired segment was deleted.",
        {
            "target_stream": _ID16,
            "first_index": _U53,
            "count": _FROM_1,
            "tree_root": _H32,
            "policy_id": _NAME,
            "policy_version": _U53,
            "note": _NOTE,
        },
    ),
    "key.rotation": Fact(
        "root",
        "The signing key changes at a size of the root stream.",
        {
            "old_public": _HEX,
            "new_public": _HEX,
            "alg": _ALGORITHM,
            "effective_size": _U53,
            "old_signature": Text("B64"),
            "new_signature": Text("B64"),
        },
    ),
    "key.destroyed": Fact(
        "both",
        "A key was destroyed.",
        {
            "destroyed_key_id": _NAME,
            "key_use": Choice(("segment", "journal", "vault-epoch", "lookup", "payload-hmac")),
            "reason_code": _CODE,
        },
    ),
    "vault.binding": Fact(
        "ledger",
        "Commitments to new pseudonyms and the identities they stand for.",
        {"bindings": Array(_H32, least=1, most=900)},
    ),
    "privacy.erasure": Fact(
        "ledger",
        "A person's mappings were erased.",
        {"case_id": _UUID, "rows": _U53, "tombstones": _U53, "approval_ids": Array(_UUID)},
    ),
}

_ALWAYS: Final = ("event_id", "event_type", "timestamp")
_COMMON: Final[Mapping[str, Shape]] = {
    name: shape_of(FIELDS[name]) for name in (*_ALWAYS, "tenant_id", *ENVELOPE_FIELDS)
}


def fact_shapes(event_type: str) -> Mapping[str, Shape]:
    """Return the shape of every field that a fact of this type may have."""
    return {**_COMMON, **FACTS[event_type].fields, "event_type": Choice((event_type,))}


def check_fact(record: Mapping[str, Any]) -> None:
    """Refuse a record that is no valid fact.

    Args:
        record: Field to value, with or without the envelope of section 5.1.

    Raises:
        Invalid: The first fault found: a required field, then a value, then a rule.

    Source: format reference, section 6.
    """
    event_type = record.get("event_type")
    fact = FACTS.get(event_type) if isinstance(event_type, str) else None
    if fact is None or event_type is None:
        raise Invalid("grammar", "event_type")
    for name in sorted({*_ALWAYS, *(fact.fields.keys() - fact.optional)}):
        if name not in record:
            raise Invalid("required", name)
    shapes = fact_shapes(event_type)
    for name in sorted(record):
        if name not in shapes or not shapes[name].fits(record[name]):
            raise Invalid("grammar", name)
    _check_rules(record, fact)


def _check_rules(record: Mapping[str, Any], fact: Fact) -> None:
    _check_place(record, fact)
    if record.get("received_at", record["timestamp"]) != record["timestamp"]:
        raise Invalid("consistency", "timestamp")
    if "part" in record and record["part"] > record["parts"]:
        raise Invalid("consistency", "part")
    check = _OWN_RULES.get(record["event_type"])
    if check is not None:
        check(record)


def _check_place(record: Mapping[str, Any], fact: Fact) -> None:
    """Check tenant and index against where the fact stands.

    Facts of `both` name no tenant in the root stream, which the record alone does not tell.
    """
    home = fact.home
    if home == "any":
        home = "root" if record["stream_kind"] == "root" else "ledger"
    if home == "ledger" and "tenant_id" not in record:
        raise Invalid("required", "tenant_id")
    if home == "root" and "tenant_id" in record:
        raise Invalid("consistency", "tenant_id")
    if "index" in record and (record["index"] == 0) is not (fact.home == "any"):
        raise Invalid("consistency", "index")


def _check_genesis(record: Mapping[str, Any]) -> None:
    if ("data_class" in record) is not (record["stream_kind"] == "data"):
        raise Invalid("consistency", "data_class")


def _check_seal(record: Mapping[str, Any]) -> None:
    for least, greatest in (("received_min", "received_max"), ("timestamp_min", "timestamp_max")):
        if record[least] > record[greatest]:
            raise Invalid("consistency", least)
    # One hash for each perfect subtree, so for each binary digit 1 of the size.
    if len(record["compact_range"]) != (record["first_index"] + record["count"]).bit_count():
        raise Invalid("consistency", "compact_range")


def _check_recovery(record: Mapping[str, Any]) -> None:
    if ("approval_ids" in record) is (record["reason_code"] == "torn-tail"):
        raise Invalid("consistency", "approval_ids")


_OWN_RULES: Final = {
    "ledger.genesis": _check_genesis,
    "ledger.seal": _check_seal,
    "ledger.recovery": _check_recovery,
}
