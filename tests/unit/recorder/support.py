"""A recorder with a credential of its own, and its records as the collector would read them."""

import os
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from auditroll.disk import Disk
from auditroll.event import Envelope, Event, Invalid, as_record, check_event, decode
from auditroll.recorder import Recorder
from auditroll.spool import EpochReader
from auditroll.spool.layout import SpoolFolder, list_epochs
from auditroll.wire import PayloadKey, ProducerCredential, VaultEpoch, open_identity

TENANT = "clinic"
VAULT = X25519PrivateKey.from_private_bytes(bytes(range(32)))
CREDENTIAL = ProducerCredential(
    collector_url="http://127.0.0.1:9",
    producer_id="api",
    tenant_id=TENANT,
    services=["frontdesk"],
    key="ark_" + "A" * 43,
    lookup_key="11" * 32,
    payload_key=PayloadKey(id="k1", key="22" * 32),
    vault_epoch=VaultEpoch(id="e1", public=VAULT.public_key().public_bytes_raw().hex()),
    personal_types=["patient"],
    resource_grammars={"order": "[0-9]{1,12}"},
)

REQUEST: dict[str, Any] = {
    "event_type": "http.request",
    "timestamp": "2026-11-25T07:00:00.123Z",
    "actor_type": "human",
    "user_id": "dr.jörg",
    "user_role": "physician",
    "auth_method": "bearer",
    "action_type": "READ",
    "http_method": "GET",
    "route": "/patients/{pid}",
    "resource_type": "patient",
    "resource_id": "patient:1274",
    "status_code": 200,
    "success": True,
    "outcome": "ok",
    "latency_ms": 12,
    "request_id": "0123456789abcdef0123456789abcdef",
    "source_ip": "203.0.113.7",
    "source_net": "203.0.113.0/24",
    "peer_net": "203.0.113.0/24",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
    "bytes_out": 512,
}


def recorder_in(root: Path, **options: Any) -> Recorder:
    given: dict[str, Any] = {"service": "frontdesk", "environment": "test", "spool_root": root}
    return Recorder(CREDENTIAL, **(given | options))


def lines_of(folder: SpoolFolder) -> list[bytes]:
    reader = EpochReader(folder)
    found: list[bytes] = []
    while (chunk := reader.read(1000, 1 << 20, complete=not folder.has_owner())) is not None:
        found.extend(chunk.lines)
    assert reader.lost == []
    return found


def checked(line: bytes) -> dict[str, Any]:
    """Return a line's record after the collector's own checks."""
    assert decode(line)
    event = msgspec.json.decode(line, type=Event)
    assert msgspec.json.encode(event) == line
    record = as_record(event)
    try:
        check_event(record, stored=False)
    except Invalid as error:
        raise AssertionError((error.code, error.field, record)) from error
    return record


def epochs(root: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the records of every epoch in the spool, numbered without a hole from 0."""
    found: dict[str, list[dict[str, Any]]] = {}
    for folder in list_epochs(root, CREDENTIAL.producer_id, Disk()):
        records = [checked(line) for line in lines_of(folder)]
        assert [record["producer_seq"] for record in records] == list(range(len(records)))
        assert {record["producer_epoch"] for record in records} <= {folder.epoch}
        found[folder.epoch] = records
    return found


def events(root: Path) -> list[dict[str, Any]]:
    """Return what was recorded, without the recorder's own events."""
    return [
        record
        for records in epochs(root).values()
        for record in records
        if not record["event_type"].startswith("producer.")
    ]


def opened(envelope: Any, namespace: str) -> str:
    """Return the identity in an envelope, as the vault would."""
    assert isinstance(envelope, Envelope), envelope
    return open_identity(VAULT.private_bytes_raw(), envelope, TENANT, namespace)


def run_in_child(work: Any) -> None:
    """Run `work` in a forked child that ends without any farewell."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
