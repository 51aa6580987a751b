"""Streams of realistic lines for the tests of segment and query."""

import hashlib
from collections.abc import Iterable
from typing import Any

from auditroll.event.ids import uuid7
from auditroll.event.times import format_time
from auditroll.tlog.line import Hidden, Line
from auditroll.tlog.slots import commitment, make_leaf, salts, seal_record

STREAM = "5a" * 16
START_MS = 1_790_000_000_000


def octets(*parts: object, count: int = 16) -> bytes:
    """Return octets that look random and are the same in every run."""
    return hashlib.shake_128("/".join(map(str, parts)).encode()).digest(count)


def pseudonym(number: int) -> str:
    return "p_" + octets("pseudonym", number).hex()


def request(number: int, **fields: Any) -> dict[str, Any]:
    """Return the record of one HTTP request."""
    at = START_MS + number * 37
    denied = number % 7 == 3
    return {
        "action_type": "READ",
        "actor_type": "human",
        "data_class": "standard",
        "environment": "production",
        "event_id": uuid7(at, octets("id", number)),
        "event_type": "http.request",
        "http_method": "GET",
        "latency_ms": number % 90,
        "outcome": "denied" if denied else "ok",
        "producer_epoch": "ab" * 16,
        "producer_id": "records-api",
        "producer_seq": number,
        "request_id": octets("request", number // 3).hex(),
        "resource_id": f"patient:{pseudonym(number % 40)}",
        "resource_type": "patient",
        "route": "/patients/{patient_id}",
        "service_name": ("records", "billing", "gateway")[number % 3],
        "source_ip": pseudonym(1000 + number % 5),
        "source_net": "192.0.2.0/24",
        "status_code": 403 if denied else 200,
        "success": not denied,
        "tenant_id": "clinic",
        "timestamp": format_time(at),
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
        "user_id": pseudonym(2000 + number % 11),
        **fields,
    }


def model_call(number: int, **fields: Any) -> dict[str, Any]:
    """Return a record with every shape of value: lists, maps, `ext`, escapes, great numbers."""
    return request(
        number,
        event_type="ai.call",
        provider="openai",
        api_dialect="openai.chat",
        usage_state="reported",
        safety_filter_triggered=False,
        tokens_in=2**53 - 1,
        modality_in=["audio", "text"],
        finish_reasons=[],
        usage_raw={"prompt_tokens": 12, "total": 2**53 - 1},
        redactions={"EMAIL": 2},
        cut_fields={"user_agent": "hmac:k1:" + "0" * 64},
        changed_fields=["address", "name"],
        resource_ids=[f"patient:{pseudonym(1)}", f"patient:{pseudonym(2)}"],
        resource_count=2,
        user_agent='quote " backslash \\ tab \t é 漢 \U0001f600',
        ext={"flag": True, "level": 7, "unit": "ward:x1"},
        note="",
        **fields,
    )


def seal_fact(number: int) -> dict[str, Any]:
    """Return a fact whose own fields have no column."""
    at = format_time(START_MS + number * 37)
    return {
        "event_id": uuid7(START_MS + number, octets("fact", number)),
        "event_type": "ledger.seal",
        "tenant_id": "clinic",
        "timestamp": at,
        "data_class": "standard",
        "watermarks": [{"epoch": "ab" * 16, "producer_id": "records-api", "ranges": [[0, 41]]}],
        "compact_range": ["00" * 32],
        "tree_root": "11" * 32,
        "part": 1,
        "parts": 1,
        "note": "sealed",
    }


def lines_from(
    records: Iterable[dict[str, Any]],
    *,
    stream: str = STREAM,
    first: int = 0,
    prev_hash: str = "0" * 64,
    received_ms: int = START_MS,
) -> list[Line]:
    """Return the records as consecutive lines of one stream."""
    lines = []
    for number, record in enumerate(records):
        index = first + number
        seed = octets("seed", stream, index)
        sealed = seal_record(dict(record), seed)
        leaf = make_leaf(
            sealed.public,
            stream=stream,
            index=index,
            prev_hash=prev_hash,
            sealed=sealed.sealed,
            received_at=format_time(received_ms + index * 37),
        )
        line = Line(leaf=leaf, seed=seed, slots=sealed.slots)
        prev_hash = line.leaf_hash().hex()
        lines.append(line)
    return lines


def hide(line: Line, slot: str, *, marker: str | None = "[REDACTED:EMAIL]") -> Line:
    """Return the line with one slot hidden: redacted, or withheld without a marker."""
    assert line.seed is not None
    opened = dict(zip(("actor", "subject", "resource", "source", "agent", "detail"),
                      salts(line.seed), strict=True))  # fmt: skip
    shown = {name: fields for name, fields in line.slots.items() if name != slot}
    hidden = Hidden(
        commitment(opened.pop(slot), line.slots.get(slot, {})).hex(),
        "redacted" if marker else "withheld",
        marker,
    )
    return Line(leaf=line.leaf, slots=shown, hidden={slot: hidden}, salts=opened)
