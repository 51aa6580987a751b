"""Capture joined with the real recorder: what an application does is in the spool, and fits."""

import asyncio
import os
import secrets
import sys
from pathlib import Path

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
from litestar import Litestar
from litestar import get as litestar_get
from litestar.testing import TestClient as LitestarClient
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route as StarletteRoute
from starlette.testclient import TestClient

import auditroll
from auditroll import AuditExempt, Route, audit
from auditroll.capture import capture_of
from auditroll.capture.audit import process
from auditroll.disk import Disk
from auditroll.event import Event
from auditroll.event.batch import check_batch
from auditroll.spool import EpochReader, SpoolFolder
from auditroll.wire import PayloadKey, ProducerCredential, VaultEpoch, open_identity

USER = "maria.lopez@clinic.example"
SECRET = "jane.doe@example.com"
PRIVATE = X25519PrivateKey.generate()


@pytest.fixture
def credential():
    return ProducerCredential(
        collector_url="http://127.0.0.1:9",
        producer_id="clinic",
        tenant_id="acme",
        services=["*"],
        key="ark_" + secrets.token_urlsafe(32),
        lookup_key=secrets.token_hex(32),
        payload_key=PayloadKey(id="k1", key=secrets.token_hex(32)),
        vault_epoch=VaultEpoch(id="v1", public=PRIVATE.public_key().public_bytes_raw().hex()),
        personal_types=["patient"],
    )


def spooled(root: Path) -> dict[str, list[Event]]:
    """Return the events of every epoch; each must be one that a collector takes."""
    found: dict[str, list[Event]] = {}
    for path in sorted((root / "clinic").iterdir()):
        reader = EpochReader(SpoolFolder(path, Disk()))
        events: list[Event] = []
        while chunk := reader.read(1_000, 2**20, complete=True):
            events += [msgspec.json.decode(line, type=Event) for line in chunk.lines]
        assert check_batch(events, stored=False) == {}
        assert [event.producer_seq for event in events] == list(range(len(events)))
        found[path.name] = events
    return found


def octets_of(root: Path) -> bytes:
    return b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())


def clinic() -> FastAPI:
    app = FastAPI(openapi_url=None)

    @app.get("/patients/{patient_id}")
    def patient(patient_id: str):
        audit.actor(USER, role="physician", auth_method="oidc", session="sid-1")
        audit.purpose("treatment")
        audit.subject("patient", patient_id)
        return {"name": "Jane"}

    @app.get("/patients")
    async def patients():
        audit.actor(USER)
        audit.resources("patient", [f"p-{n}" for n in range(250)])
        return []

    @app.get("/denied")
    def denied():
        raise HTTPException(403)

    @app.get("/boom/{report_id}")
    def boom(report_id: str):
        raise RuntimeError(SECRET)

    return app


def instrumented(app, credential, spool, **more):
    return auditroll.instrument(
        app,
        service="records",
        environment="test",
        credential=credential,
        spool=spool,
        ship=False,
        **more,
    )


def test_every_kind_of_request_leaves_an_event_that_fits(credential, tmp_path):
    app = instrumented(clinic(), credential, tmp_path)
    headers = {
        "user-agent": "Clinic/1.0 (jane.doe@example.com)",
        "x-request-id": "abc-1",
        "authorization": "Bearer s3cr3t-token-of-nobody",
    }
    with TestClient(app, raise_server_exceptions=False, client=("203.0.113.7", 4711)) as client:
        for path in (
            "/patients/p-1",
            f"/patients/{SECRET}",
            "/patients",
            "/denied",
            "/boom/7",
            f"/nope/{SECRET}?email={SECRET}",
        ):
            client.get(path, headers=headers)
        client.head("/patients/p-1")
        client.request("BREW", "/patients/p-1")
    (events,) = spooled(tmp_path).values()
    kinds = [event.event_type for event in events]
    assert kinds[0] == "producer.open"
    assert kinds[-1] == "producer.close"
    assert kinds.count("http.request") == 8
    assert kinds.count("data.access") == 2
    assert "recorder.fallback" not in kinds
    first = events[1]
    assert open_identity(PRIVATE.private_bytes_raw(), first.user_id, "acme", "user") == USER
    patient = open_identity(PRIVATE.private_bytes_raw(), first.resource_id, "acme", "entity")
    assert patient == "patient:p-1"
    address = open_identity(PRIVATE.private_bytes_raw(), first.source_ip, "acme", "ip")
    assert address == "203.0.113.7"
    assert first.source_net == first.peer_net == "203.0.113.0/24"
    assert first.upstream_request_id == "abc-1"
    assert [e.outcome for e in events if e.event_type == "http.request"][:6] == [
        "ok",
        "ok",
        "ok",
        "denied",
        "error",
        "error",
    ]


def test_nothing_personal_is_on_the_disk(credential, tmp_path):
    app = instrumented(clinic(), credential, tmp_path)
    with TestClient(app, raise_server_exceptions=False, client=("203.0.113.7", 4711)) as client:
        for path in ("/patients/p-1", f"/patients/{SECRET}", f"/nope/{SECRET}", f"/boom/{SECRET}"):
            client.get(path, headers={"authorization": "Bearer s3cr3t", "user-agent": SECRET})
    octets = octets_of(tmp_path)
    assert octets
    for needle in (USER, SECRET, "jane", "203.0.113.7", "s3cr3t", "sid-1", "nope"):
        assert needle.encode() not in octets


def test_a_server_that_starts_twice_records_twice(credential, tmp_path):
    app = instrumented(clinic(), credential, tmp_path)
    for _ in range(2):
        with TestClient(app) as client:
            client.get("/patients/p-1")
    epochs = spooled(tmp_path)
    assert len(epochs) == 2
    for events in epochs.values():
        assert [e.event_type for e in events] == ["producer.open", "http.request", "producer.close"]


def test_litestar_begins_and_ends_with_its_server(credential, tmp_path):
    @litestar_get("/items/{item_id:str}")
    async def item(item_id: str) -> dict[str, str]:
        return {"item_id": item_id}

    app = instrumented(Litestar([item], logging_config=None), credential, tmp_path)
    with LitestarClient(app) as client:
        assert client.get("/items/5").status_code == 200
    (events,) = spooled(tmp_path).values()
    assert [e.event_type for e in events] == ["producer.open", "http.request", "producer.close"]
    assert events[1].route == "/items/{item_id}"
    assert events[1].resource_id == "item:5"


def test_any_asgi_callable_can_be_wrapped(credential, tmp_path):
    async def app(scope, receive, send):
        await PlainTextResponse("hello")(scope, receive, send)

    wrapped = instrumented(app, credential, tmp_path)

    async def run():
        transport = httpx.ASGITransport(wrapped)
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            return await client.get("/x")

    assert asyncio.run(run()).text == "hello"
    (events,) = spooled(tmp_path).values()
    assert events[1].route == "/{unmatched}"


def test_c9_every_forked_worker_has_an_epoch_of_its_own(credential, tmp_path):
    app = instrumented(clinic(), credential, tmp_path)
    with TestClient(app) as client:
        client.get("/patients/p-0")
        children = []
        for number in range(4):
            pid = os.fork()
            if pid == 0:  # pragma: no cover  the child
                with TestClient(app) as own:
                    own.get(f"/patients/p-{number}")
                    own.get("/denied")
                os._exit(0)
            children.append(pid)
        for pid in children:
            assert os.waitpid(pid, 0)[1] == 0
        client.get("/denied")
    epochs = spooled(tmp_path)
    assert len(epochs) == 5
    requests = [[e for e in events if e.event_type == "http.request"] for events in epochs.values()]
    assert [len(one) for one in requests] == [2] * 5
    ids = [event.request_id for one in requests for event in one]
    assert len(set(ids)) == 10


class FullDisk(Disk):
    """A disk that refuses from a moment on."""

    def __init__(self) -> None:
        self.full = False

    def write(self, fd: int, data: bytes) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        super().write(fd, data)

    def datasync(self, fd: int) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        super().datasync(fd)


def test_strict_and_other_routes_when_the_disk_is_full(credential, tmp_path, monkeypatch):
    disk = FullDisk()
    app = clinic()
    app = instrumented(app, credential, tmp_path, routes={"/patients": Route(mode="strict")})
    capture = capture_of(app)
    from auditroll.recorder import Recorder

    capture.recorder = Recorder(
        credential, service="records", environment="test", spool_root=tmp_path, disk=disk
    )
    client = TestClient(app, raise_server_exceptions=False)
    assert client.get("/patients").status_code == 200
    disk.full = True
    refused = client.get("/patients")
    assert refused.status_code == 503
    assert refused.json()["code"] == "audit-unavailable"
    assert client.get("/patients/p-1").status_code == 200
    disk.full = False
    capture.recorder.close()


def test_a_worker_without_an_application(credential, tmp_path):
    assert (
        auditroll.instrument(
            service="worker", environment="test", credential=credential, spool=tmp_path, ship=False
        )
        is None
    )
    app = instrumented(clinic(), credential, tmp_path / "other")
    carried = {}

    @app.get("/queue")
    def queue():
        audit.actor(USER)
        carried.update(audit.carry())
        return {}

    TestClient(app).get("/queue")
    auditroll.instrument(
        service="worker", environment="test", credential=credential, spool=tmp_path, ship=False
    )
    with audit.job("send-reminder", carried):
        audit.resource("appointment", "a-1")
    process.capture.recorder.close()
    events = [event for events in spooled(tmp_path).values() for event in events]
    (job,) = [event for event in events if event.event_type == "job.run"]
    assert job.service_name == "worker"
    assert job.request_id == carried["x-request-id"]
    assert open_identity(PRIVATE.private_bytes_raw(), job.on_behalf_of, "acme", "user") == USER


def test_importing_the_package_is_cheap():
    code = "import sys, auditroll; print(*(n in sys.modules for n in ('asyncio', 'msgspec')))"
    out = os.popen(f'"{sys.executable}" -c "{code}"').read()
    assert out == "False False\n"


def test_an_unknown_name_is_an_error():
    with pytest.raises(AttributeError):
        auditroll.nothing  # noqa: B018
    assert "instrument" in dir(auditroll)


def test_exempt_routes_are_counted(credential, tmp_path):
    app = Starlette(routes=[StarletteRoute("/health", lambda request: JSONResponse({}))])
    app = instrumented(app, credential, tmp_path, routes={"/health": AuditExempt("probe")})
    with TestClient(app) as client:
        client.get("/health")
    assert capture_of(app).counters.exempt == 1
    (events,) = spooled(tmp_path).values()
    assert [e.event_type for e in events] == ["producer.open", "producer.close"]
