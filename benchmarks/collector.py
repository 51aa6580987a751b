"""Acknowledged records a second: batches of 500, every answer after its fdatasync.

The collector runs as `auditroll up` does; the loader is this process. The peer, in the same run
and without HTTP, does less: rows with three indexes in SQLite, durable, without any proof.
"""

import argparse
import asyncio
import gc
import itertools
import os
import secrets
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import UNSET

from auditroll.access import Control, Tenant
from auditroll.clock import now_ms
from auditroll.collect.frames import Origin, encode_frames, stamp
from auditroll.collect.identities import assign_pseudonyms, recognise
from auditroll.collect.lines import read_lines
from auditroll.collect.rules import drop_unregistered, foreign_services, wrong_places
from auditroll.collect.screen import Screen
from auditroll.event import Envelope, Event, format_time, uuid7
from auditroll.event.batch import check_batch
from auditroll.keys import KeyStore
from auditroll.seal import Sequencer
from auditroll.vault.assign import Keyring, Use, Vault
from auditroll.vault.database import open_vault
from auditroll.wire.batch import Answer, decode_answer, decode_body, encode_batch
from auditroll.wire.envelope import LookupKey, seal_identity
from benchmarks.report import Section, cpu_seconds, median_spread

BATCH: Final = 500
CLIENTS: Final = 16
NEW_IN_A_BATCH: Final = BATCH // 100
SERVICE: Final = "frontdesk"
PERSONAL: Final = frozenset({"patient"})
AGENTS: Final = tuple(
    f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/{n}.0.0.0 Safari/537.36"
    for n in range(100, 130)
)
ROUTES: Final = ("/patients/{patient_id}", "/patients/{patient_id}/labs", "/appointments")
INDEXED: Final = ("user_id", "resource_id", "request_id")
_LINES: Final = msgspec.json.Encoder(order="deterministic")


class Sealing:
    """What a tenant's producers seal identities with.

    Args:
        keyring: Of the installation.
        tenant: Of the producer.
    """

    def __init__(self, keyring: Keyring, tenant: str) -> None:
        self._epoch_id, self._public = keyring.epoch_public(tenant)
        self._key = LookupKey(keyring.current(tenant, Use.LOOKUP).octets)
        self._tenant = tenant

    def seal(self, namespace: str, identity: str, kind: str | None = None) -> Envelope:
        """Return the envelope of one identity."""
        return seal_identity(
            self._public,
            self._epoch_id,
            self._key,
            self._tenant,
            namespace,
            identity,
            resource_type=kind,
        )


class Population:
    """The people, patients and addresses of one tenant, sealed once as a recorder's cache does.

    Args:
        sealing: Of the tenant.
        people: How many users; as many addresses, and twice as many patients.
    """

    def __init__(self, sealing: Sealing, people: int) -> None:
        self.sealing = sealing
        self.users = [sealing.seal("user", f"user-{n}@clinic.example") for n in range(people)]
        self.addresses = [sealing.seal("ip", f"192.0.2.{n}") for n in range(people)]
        self.patients = [self.patient(str(n)) for n in range(2 * people)]

    def patient(self, name: str) -> Envelope:
        """Return the envelope of one patient."""
        return self.sealing.seal("entity", f"patient:{name}", "patient")


class Load:
    """One epoch: batches of a producer's process.

    Args:
        key: Of the producer.
        population: Of its tenant.
    """

    def __init__(self, key: str, population: Population) -> None:
        self.key = key
        self.epoch = secrets.token_hex(16)
        self.next = 0
        self._population = population
        self._events = [self._event(n) for n in range(BATCH)]
        self._strangers = itertools.count()

    def batch(self) -> bytes:
        """Return the next batch's octets."""
        now = now_ms()
        random, stamp = secrets.token_bytes(26 * BATCH), format_time(now)
        for at, event in enumerate(self._events):
            mine = random[26 * at : 26 * at + 26]
            event.event_id, event.timestamp = uuid7(now, mine[:10]), stamp
            event.request_id, event.producer_seq = mine[10:].hex(), self.next + at
        for at in range(NEW_IN_A_BATCH):
            stranger = self._population.patient(f"{self.epoch}-{next(self._strangers)}")
            self._events[at * 100].resource_id = stranger
        self.next += BATCH
        return _LINES.encode_lines(self._events)

    def _event(self, number: int) -> Event:
        return Event(
            event_type="http.request",
            producer_epoch=self.epoch,
            actor_type="human",
            user_id=_pick(self._population.users),
            user_role="nurse",
            auth_method="session",
            action_type="READ",
            http_method="GET",
            route=ROUTES[number % len(ROUTES)],
            resource_type="patient",
            resource_id=_pick(self._population.patients),
            source_ip=_pick(self._population.addresses),
            source_net="192.0.2.0/24",
            user_agent=AGENTS[number % len(AGENTS)],
            status_code=200,
            success=True,
            outcome="ok",
            latency_ms=number,
            bytes_out=1000 + number,
            service_name=SERVICE,
            environment="production",
            purpose_of_use="treatment",
            trace_id=secrets.token_hex(16),
            span_id=secrets.token_hex(8),
        )


def _pick(items: Sequence[Envelope]) -> Envelope:
    """Draw with a long tail: the first tenth stands for most."""
    share = secrets.randbelow(1000) / 1000
    return items[int(len(items) * share**3)]


def prepare(folder: Path, streams: int) -> list[Load]:
    """Make tenants with one producer each before the collector starts."""
    people, epochs = max(20, 2000 // streams), -(-CLIENTS // streams)
    keyring = Keyring(open_vault(folder / "vault"), KeyStore(folder / "keys"))
    loads = []
    with Control.open(folder / "control") as control:
        for number in range(streams):
            tenant = f"tenant-{number}"
            control.tenants.create(Tenant(tenant=tenant, personal_types=PERSONAL))
            keyring.provision(tenant)
            _, key = control.producers.register(f"api-{number}", tenant, [SERVICE])
            population = Population(Sealing(keyring, tenant), people)
            loads += [Load(key, population) for _ in range(epochs)]
    keyring.close()
    return loads


# The stages, in this process.


def stages(repeats: int) -> list[tuple[str, list[float]]]:
    """Return microseconds a record of each stage, once a repeat."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = prepare(folder, 1)[0]
        control = Control.open(folder / "control")
        vault = Vault.open(folder / "vault", KeyStore(folder / "keys"))
        sequencer = Sequencer(folder, installation="bench.example")
        # As the collector does after its start: long-lived objects are not searched again.
        gc.freeze()
        gc.set_threshold(50_000, 50, 1000)
        try:
            return asyncio.run(_stages(control, vault, sequencer, given, repeats))
        finally:
            vault.close()
            control.close()
            sequencer.close()


async def _stages(
    control: Control, vault: Vault, sequencer: Sequencer, given: Load, repeats: int
) -> list[tuple[str, list[float]]]:
    producer = control.producers.authenticate(given.key)
    tenant, registry = control.tenants.get(producer.tenant), control.tenants.registry("tenant-0")
    origin = Origin(producer.tenant, producer.producer, given.epoch)
    streams = {"standard": sequencer.stream(tenant.tenant, "standard")}
    screen, watch = Screen(), _Watch()
    for _ in range(repeats):
        first = given.next
        octets = given.batch()
        headers, body = encode_batch(octets.splitlines(), given.epoch, first)
        watch.start()
        batch = decode_body(headers, body)
        watch.lap("hash, decompress")
        admission = read_lines(batch.octets, range(first, first + BATCH))
        watch.lap("decode, compare with re-encoding")
        admission.refuse(wrong_places(admission.events, origin.epoch, admission.seqs))
        drop_unregistered(admission.events, tenant)
        admission.refuse(foreign_services(admission.events, producer))
        watch.lap("place, service, extensions")
        known = recognise(admission.events, tenant.tenant, vault)
        watch.lap("identities in memory")
        invalid = check_batch(admission.events, registry=registry)
        watch.lap("grammars, rules")
        admission.refuse(screen.examine(admission.events, ()))
        watch.lap("second look for personal data")
        refused = await assign_pseudonyms(admission.events, known, tenant.tenant, vault)
        watch.lap("pseudonyms (1 % new: HPKE, rows, one commit)")
        now = now_ms()
        stamp(admission.events, origin, {"http.request": "standard"}, now)
        frames = encode_frames(admission, origin, streams, now)
        watch.lap("stamp, seeds, frame")
        sequencer.append(frames)
        watch.lap("sequencer: encrypt, write, fdatasync, commit to slots, chain, tree")
        if invalid or refused or len(admission.events) != BATCH:
            raise SystemExit("the load is not valid")
    return list(watch.laps.items())


class _Watch:
    """Wall time between laps, in microseconds a record."""

    def __init__(self) -> None:
        self.laps: dict[str, list[float]] = {}
        self._since = 0.0

    def start(self) -> None:
        """Begin a batch."""
        self._since = time.perf_counter()

    def lap(self, name: str) -> None:
        """Note the time since the lap before."""
        now = time.perf_counter()
        self.laps.setdefault(name, []).append((now - self._since) / BATCH * 1e6)
        self._since = now


# The whole collector, over HTTP.


class Running:
    """`auditroll up` on a prepared folder.

    Args:
        folder: The data folder.
    """

    def __init__(self, folder: Path) -> None:
        ready = folder / "ready.json"
        command = "import sys; from auditroll.cli import main; sys.exit(main())"
        arguments = ["--data", str(folder), "--listen", "127.0.0.1:0", "--ready-file", str(ready)]
        self._process = subprocess.Popen(
            [sys.executable, "-c", command, "up", *arguments, "--installation", "bench.example"],
            stdout=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        while not ready.exists():
            if self._process.poll() is not None:
                raise SystemExit("the collector did not start")
            time.sleep(0.05)
        self.port = int(msgspec.json.decode(ready.read_bytes())["api_url"].rpartition(":")[2])

    def cpu_s(self) -> float:
        """CPU time of the whole process tree."""
        return sum(cpu_seconds(pid) for pid in _tree(self._process.pid))

    def resident_mib(self) -> float:
        """Memory of the whole process tree."""
        pages = 0
        for pid in _tree(self._process.pid):
            pages += int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def stop(self) -> None:
        """Stop it in order."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(120)


def _tree(root: int) -> list[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(encoding="ascii", errors="replace")
            except OSError:
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


class Client:
    """One keep-alive connection.

    Args:
        port: Of the collector on loopback.
        loads: Epochs it sends for, in turn.
    """

    def __init__(self, port: int, loads: Sequence[Load]) -> None:
        self._port = port
        self._loads = itertools.cycle(loads)
        self.latencies: list[float] = []
        self.accepted = 0

    async def run(self, until: float, rounds: int) -> None:
        """Send batch after batch until a time, and at least `rounds` of them."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        while time.monotonic() < until or len(self.latencies) < rounds:
            given = next(self._loads)
            first = given.next
            octets = given.batch()
            began = time.perf_counter()
            writer.writelines(_request(given, first, octets))
            answer = await _answer(reader)
            self.latencies.append(time.perf_counter() - began)
            if answer.accepted != BATCH:
                raise SystemExit(f"not all accepted: {answer.results[:3]}")
            self.accepted += answer.accepted
        writer.close()


def _request(given: Load, first: int, octets: bytes) -> list[bytes]:
    lines = octets.split(b"\n")[:-1]
    headers, body = encode_batch(lines, given.epoch, first, encoding="identity")
    headers |= {
        "Host": "127.0.0.1",
        "Authorization": f"Bearer {given.key}",
        "Content-Length": str(len(body)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return [f"POST /v1/events HTTP/1.1\r\n{head}\r\n".encode(), body]


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(
        line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line
    )
    body = await reader.readexactly(int(fields["content-length"]))
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise SystemExit(body.decode())
    return decode_answer(body)


async def send(
    running: Running, loads: Sequence[Load], seconds: float, *, rounds: int = 0
) -> list[Client]:
    """Send from `CLIENTS` connections for a time, and at least `rounds` batches each."""
    clients = [Client(running.port, loads[n::CLIENTS]) for n in range(CLIENTS)]
    until = time.monotonic() + seconds
    await asyncio.gather(*(client.run(until, rounds) for client in clients))
    return clients


class Measured:
    """What one run over HTTP gave.

    Args:
        streams: How many the records went to.
        seconds: How long it took.
        clients: What they saw.
        server_cpu_s: Of the whole process tree.
        loader_cpu_s: Of this process.
        resident_mib: Memory of the tree after a third and at the end.
    """

    def __init__(self, streams: int, folder: Path, seconds: float) -> None:
        loads = prepare(folder, streams)
        running = Running(folder)
        # Every stream's genesis, every cache: the second pass is the measured one.
        asyncio.run(send(running, loads, min(5.0, seconds / 3), rounds=-(-len(loads) // CLIENTS)))
        self.streams = streams
        self.resident_mib = [running.resident_mib()]
        cpu, own, began = running.cpu_s(), time.process_time(), time.perf_counter()
        clients = asyncio.run(send(running, loads, seconds))
        self.seconds = time.perf_counter() - began
        self.server_cpu_s = running.cpu_s() - cpu
        self.loader_cpu_s = time.process_time() - own
        self.resident_mib.append(running.resident_mib())
        running.stop()
        self.records = sum(client.accepted for client in clients)
        self.latencies = sorted(at for client in clients for at in client.latencies)

    @property
    def rate(self) -> float:
        """Acknowledged records a second."""
        return self.records / self.seconds


# The peer.


class Peer:
    """Rows in SQLite: write-ahead log, synchronous=FULL, three indexes, one commit a batch."""

    def __init__(self, folder: Path) -> None:
        self._names = [name for name in Event.__struct_fields__ if name in _PEER_COLUMNS]
        self._database = sqlite3.connect(folder / "peer.db", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(f"CREATE TABLE record ({','.join(self._names)})")
        for name in INDEXED:
            self._database.execute(f"CREATE INDEX by_{name} ON record ({name})")
        marks = ",".join("?" * len(self._names))
        self._insert = f"INSERT INTO record VALUES ({marks})"
        self._decoder = msgspec.json.Decoder(Event)

    def take(self, octets: bytes) -> None:
        """Decode a batch and commit its rows; envelopes become their look-up."""
        rows = [
            [_cell(getattr(event, name)) for name in self._names]
            for event in self._decoder.decode_lines(octets)
        ]
        self._database.execute("BEGIN")
        self._database.executemany(self._insert, rows)
        self._database.execute("COMMIT")


_PEER_COLUMNS: Final = frozenset(
    (
        *("event_id", "event_type", "producer_epoch", "producer_seq", "timestamp", "request_id"),
        *("actor_type", "user_id", "user_role", "auth_method", "action_type", "http_method"),
        *("route", "resource_type", "resource_id", "source_ip", "source_net", "user_agent"),
        *("status_code", "success", "outcome", "latency_ms", "bytes_out", "service_name"),
        *("environment", "purpose_of_use", "trace_id", "span_id"),
    )
)


def _cell(value: object) -> object:
    if isinstance(value, Envelope):
        return value.l
    return None if value is UNSET else value


def peer(seconds: float) -> float:
    """Return the peer's records a second."""
    with tempfile.TemporaryDirectory() as name:
        given = prepare(Path(name), 1)[0]
        database = Peer(Path(name))
        spent, batches = 0.0, 0
        while spent < seconds:
            octets = given.batch()
            began = time.perf_counter()
            database.take(octets)
            spent += time.perf_counter() - began
            batches += 1
    return batches * BATCH / spent


def main() -> int:
    """Print the section."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collector")
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes")
    quick = parser.parse_args().quick
    section = Section(
        "Collector",
        f"Batches of {BATCH} records of about 1,300 octets, 1 % of them with an identity never "
        f"seen before, from {CLIENTS} keep-alive connections on loopback, each waiting for its "
        "answer. What was answered survives power loss; everything on disk is encrypted. The "
        "loader runs on the same cores; its CPU time is not in the collector's.",
    )
    section.head("stage", "microseconds a record: median (least to greatest)")
    laps = stages(10 if quick else 60)
    for name, values in laps:
        section.row(name, median_spread(values))
    section.row("all", f"{sum(statistics.median(values) for _, values in laps):,.1f}")
    section.text("")
    section.head(
        "streams",
        "records/s",
        "batch answered, ms p50 / p99",
        "CPU, us a record",
        "loader's CPU, us a record",
        "memory, MiB after warm-up / at the end",
    )
    numbers = (1, 20) if quick else (1, 100, 1000)
    rates = {streams: _measure(section, streams, 4 if quick else 300) for streams in numbers}
    theirs = peer(3 if quick else 30)
    section.text(
        f"{numbers[-1]:,} streams keep {rates[numbers[-1]] / rates[1]:.0%} of the rate of one. "
        "Peer, in this process and without HTTP: SQLite, WAL, synchronous=FULL, 28 columns, three "
        f"indexes, one commit a batch, no proof, no encryption: {theirs:,.0f} records/s; the "
        f"collector takes {rates[1] / theirs:.1f} times as many."
    )
    return 0


def _measure(section: Section, streams: int, seconds: float) -> float:
    with tempfile.TemporaryDirectory() as name:
        measured = Measured(streams, Path(name), seconds)
    ranked = measured.latencies
    each = 1e6 / measured.records
    section.row(
        f"{streams:,}",
        f"{measured.rate:,.0f}",
        f"{ranked[len(ranked) // 2] * 1000:.0f} / {ranked[len(ranked) * 99 // 100] * 1000:.0f}",
        f"{measured.server_cpu_s * each:.1f}",
        f"{measured.loader_cpu_s * each:.1f}",
        " / ".join(f"{mib:,.0f}" for mib in measured.resident_mib),
    )
    return measured.rate


if __name__ == "__main__":
    sys.exit(main())
