"""A collector over a real log, vault and control database, without HTTP and processes."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from auditroll.access import Control, Tenant
from auditroll.clock import now_ms
from auditroll.collect import Collector, Findings, OwnEvents, Room, Upkeep
from auditroll.collect.lines import encode_event
from auditroll.event import Envelope, Event, decode_exact, format_time, uuid7
from auditroll.keys import KeyStore
from auditroll.seal import Appended, Sequencer, Watermark
from auditroll.tlog import Line
from auditroll.vault.assign import Use, Vault
from auditroll.wire.batch import Answer, encode_batch
from auditroll.wire.envelope import LookupKey, seal_identity

TENANT = "clinic"
EPOCH = "0123456789abcdef0123456789abcdef"
PERSONAL = frozenset({"patient"})


class LocalLog:
    """The sequencer in this process, asked the way `SequencerClient` is.

    Args:
        sequencer: The log.
    """

    def __init__(self, sequencer: Sequencer) -> None:
        self.sequencer = sequencer
        self.appended = 0

    async def stream(self, tenant: str, data_class: str) -> str:
        return self.sequencer.stream(tenant, data_class)

    async def append(self, plaintexts: list[bytes]) -> list[Appended]:
        self.appended += len(plaintexts)
        return self.sequencer.append(plaintexts)

    async def fact(self, tenant: str, event_type: str, fields: dict[str, Any]) -> int:
        return self.sequencer.fact(tenant, event_type, fields)

    async def watermarks(self) -> list[Watermark]:
        return self.sequencer.watermarks()

    async def root_checkpoint(self) -> str:
        return self.sequencer.root_checkpoint()


class Installation:
    """Everything a collector needs, in one folder; open it again to see what a restart finds.

    Args:
        folder: The data folder.
        room: How much may be under way.
    """

    def __init__(self, folder: Path, room: Room | None = None) -> None:
        self.folder = folder
        self.sequencer = Sequencer(folder, installation="test.example")
        self.log = LocalLog(self.sequencer)
        self.control = Control.open(folder / "control")
        self.control.tenants.create(Tenant(tenant=TENANT, personal_types=PERSONAL))
        self.vault = Vault.open(folder / "vault", KeyStore(folder / "keys"))
        self.vault.keyring.provision(TENANT)
        self.collector = Collector(self.control, self.vault, self.log, room)  # type: ignore[arg-type]
        self.findings = Findings(self.control.engine)
        self.upkeep = Upkeep(self.collector.epochs, self.findings, self.vault, self.log)  # type: ignore[arg-type]
        self.own = OwnEvents(self.collector, self.control, self.vault.keyring)

    async def start(self) -> "Installation":
        await self.collector.start()
        self.findings.load()
        return self

    def producer(self, name: str = "api", services: Sequence[str] = ("frontdesk",)) -> str:
        """Register a producer and return its key."""
        _, key = self.control.producers.register(name, TENANT, services)
        return key

    def close(self) -> None:
        self.vault.close()
        self.control.close()
        self.sequencer.close()

    def envelope(self, namespace: str, identity: str, kind: str | None = None) -> Envelope:
        """Return the envelope a recorder would send."""
        epoch_id, public = self.vault.keyring.epoch_public(TENANT)
        key = LookupKey(self.vault.keyring.current(TENANT, Use.LOOKUP).octets)
        return seal_identity(public, epoch_id, key, TENANT, namespace, identity, resource_type=kind)

    def records(self, data_class: str = "standard") -> list[dict[str, Any]]:
        """Return every record of a class, public part and slots in one."""
        stream = self.sequencer.stream(TENANT, data_class)
        return [whole(record.line()) for record in self.sequencer.tail(stream, 1)]

    def facts(self, event_type: str) -> list[dict[str, Any]]:
        """Return the tenant's facts of one type."""
        stream = self.sequencer.ledger(TENANT)
        found = [whole(record.line()) for record in self.sequencer.tail(stream, 0)]
        return [fact for fact in found if fact["event_type"] == event_type]

    async def send(
        self, key: str, lines: Sequence[Event | bytes], first: int = 0, **options: Any
    ) -> Answer:
        """Send a batch as a producer would."""
        octets = [line if isinstance(line, bytes) else encode_event(line) for line in lines]
        epoch = options.pop("epoch", EPOCH)
        headers, body = encode_batch(octets, epoch, first, **options)
        return await self.collector.ingest(key, headers, body)


def whole(line: Line) -> dict[str, Any]:
    """Return a line's fields, wherever they stand."""
    fields = decode_exact(line.leaf)
    for slot in line.slots.values():
        fields |= slot
    return fields


def event(seq: int, **fields: Any) -> Event:
    """Return a request that a recorder would send; `fields` replace or add."""
    now = now_ms()
    random = hashlib.sha256(str(seq).encode()).digest()
    given: dict[str, Any] = {
        "event_id": uuid7(now, random),
        "event_type": "http.request",
        "timestamp": format_time(now),
        "producer_epoch": EPOCH,
        "producer_seq": seq,
        "actor_type": "human",
        "user_id": "anonymous",
        "action_type": "READ",
        "http_method": "GET",
        "route": "/patients/{pid}",
        "status_code": 200,
        "success": True,
        "outcome": "ok",
        "latency_ms": 12,
        "request_id": random[:16].hex(),
        "service_name": "frontdesk",
        "environment": "production",
    }
    return Event(**(given | fields))


def events(count: int, first: int = 0, **fields: Any) -> list[Event]:
    """Return requests with numbers from `first`."""
    return [event(seq, **fields) for seq in range(first, first + count)]
