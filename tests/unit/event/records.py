"""Valid records to start from."""

from typing import Any

from auditroll.event import Envelope, format_time, uuid7

AT_MS = 1_790_000_000_037
HMAC = "hmac:k1:" + "ab" * 32
SHA256 = "sha256:" + "cd" * 32
PSEUDO = "p_" + "0f" * 16
UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def envelope(kind: str | None = None, **parts: str) -> Envelope:
    """Return an envelope whose parts are of their grammars."""
    known = {"c": "Q" * 88, "e": "epoch-1", "l": "ab" * 32} | parts
    return Envelope(**known) if kind is None else Envelope(**known, t=kind)


def wire(**fields: Any) -> dict[str, Any]:
    """Return a valid wire line; a field given as None is left out."""
    record = {
        "action_type": "READ",
        "actor_type": "human",
        "environment": "production",
        "event_id": uuid7(AT_MS, bytes(10)),
        "event_type": "http.request",
        "http_method": "GET",
        "latency_ms": 12,
        "outcome": "ok",
        "producer_epoch": "ab" * 16,
        "producer_seq": 7,
        "request_id": "cd" * 16,
        "resource_id": envelope("patient"),
        "resource_type": "patient",
        "route": "/patients/{id}",
        "service_name": "records-api",
        "source_ip": envelope(),
        "source_net": "192.0.2.0/24",
        "status_code": 200,
        "subject_id": envelope("patient"),
        "success": True,
        "timestamp": format_time(AT_MS),
        "user_agent": "Mozilla/5.0 (Jörg)",
        "user_id": envelope(),
        **fields,
    }
    return {name: value for name, value in record.items() if value is not None}


def stored(**fields: Any) -> dict[str, Any]:
    """Return a valid stored record; a field given as None is left out."""
    identities = {
        "data_class": "standard",
        "producer_id": "records-api",
        "resource_id": f"patient:{PSEUDO}",
        "source_ip": PSEUDO,
        "subject_id": f"patient:{PSEUDO}",
        "tenant_id": "clinic",
        "user_id": PSEUDO,
    }
    return wire(**(identities | fields))


def model_call(**fields: Any) -> dict[str, Any]:
    """Return a valid stored record of a model call, with every shape of value."""
    call = {
        "action_type": "EXECUTE",
        "api_dialect": "openai.chat",
        "cut_fields": {"user_agent": HMAC},
        "event_type": "ai.call",
        "ext": {"ward": "b2", "beds": 4, "open": True, "doc": "file:9", "sum": SHA256},
        "finish_reasons": ["stop"],
        "modality_in": ["image", "text"],
        "model_id": "gpt-4o-2024-08-06",
        "prompt_injection_score": 1000,
        "provider": "openai",
        "redactions": {"EMAIL": 2},
        "request_params": {"temperature_milli": 700, "seed": -5, "safety_identifier_present": 1},
        "safety_categories": [],
        "safety_filter_triggered": False,
        "tool_names_hash": [HMAC],
        "units": {"images": 1},
        "usage_raw": {"prompt_tokens_details.cached_tokens": 3},
        "usage_state": "reported",
    }
    return stored(**(call | fields))
