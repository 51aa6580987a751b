"""The outermost layer under a real server and real sockets."""

import contextlib
import secrets
import socket
import threading
import time

import msgspec
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

import auditroll
from auditroll.disk import Disk
from auditroll.event import Event
from auditroll.spool import EpochReader, SpoolFolder
from auditroll.wire import PayloadKey, ProducerCredential, VaultEpoch

PART = b"x" * 10_000


def clinic() -> FastAPI:
    app = FastAPI()

    @app.get("/quick/{row_id}")
    async def quick(row_id: str):
        return {"row_id": row_id}

    @app.get("/export")
    async def export():
        import asyncio

        async def rows():
            for _ in range(500):
                yield PART
                await asyncio.sleep(0.02)

        return StreamingResponse(rows())

    return app


class Served:
    """An instrumented application behind uvicorn, in a thread."""

    def __init__(self, folder, **config):
        self.folder = folder
        public = X25519PrivateKey.generate().public_key().public_bytes_raw().hex()
        credential = ProducerCredential(
            collector_url="http://127.0.0.1:9",
            producer_id="clinic",
            tenant_id="acme",
            services=["*"],
            key="ark_" + secrets.token_urlsafe(32),
            lookup_key=secrets.token_hex(32),
            payload_key=PayloadKey(id="k1", key=secrets.token_hex(32)),
            vault_epoch=VaultEpoch(id="v1", public=public),
        )
        app = auditroll.instrument(
            clinic(),
            service="records",
            environment="test",
            credential=credential,
            spool=folder,
            ship=False,
            trusted_proxies=["127.0.0.1"],
        )
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="critical", **config))
        self.thread = threading.Thread(target=self.server.run, args=([self.listener],))
        self.thread.start()

    def stop(self):
        self.server.should_exit = True
        self.thread.join()
        self.listener.close()

    def connect(self, path, *headers):
        client = socket.create_connection(("127.0.0.1", self.port))
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
        client.sendall("\r\n".join(lines).encode())
        return client

    def everything(self) -> list[Event]:
        (path,) = (self.folder / "clinic").iterdir()
        reader = EpochReader(SpoolFolder(path, Disk()))
        chunk = reader.read(1_000, 2**20, complete=True)
        return [msgspec.json.decode(line, type=Event) for line in chunk.lines]

    def events(self) -> list[Event]:
        return [event for event in self.everything() if event.event_type == "http.request"]

    def kinds(self) -> list[str]:
        return [event.event_type for event in self.everything()]

    def wait_for(self, number):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(ValueError, AttributeError):
                if len(self.events()) >= number:
                    break
            time.sleep(0.05)
        return self.events()


@pytest.fixture
def serve(tmp_path):
    started = []

    def start(**config):
        started.append(Served(tmp_path, **config))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_c3_the_client_closes_its_socket_in_the_middle_of_a_stream(serve):
    served = serve()
    client = served.connect("/export")
    assert client.recv(100).startswith(b"HTTP/1.1 200")
    client.close()
    (event,) = served.wait_for(1)
    assert (event.status_code, event.outcome) == (200, "aborted_client")
    assert event.bytes_out < 500 * len(PART)


def test_c3_the_server_shuts_down_in_the_middle_of_a_stream(serve):
    served = serve(timeout_graceful_shutdown=1)
    client = served.connect("/export")
    assert client.recv(100).startswith(b"HTTP/1.1 200")
    served.stop()
    client.close()
    (event,) = served.events()
    assert (event.status_code, event.outcome) == (200, "aborted_server")
    assert served.kinds() == ["producer.open", "http.request", "producer.close"]


def test_a_record_is_on_the_disk_before_the_client_has_the_whole_answer(serve):
    served = serve()
    for number in range(20):
        client = served.connect(f"/quick/{number}", "Connection: close")
        while client.recv(65_536):
            pass
        assert len(served.events()) == number + 1
        client.close()


@pytest.mark.parametrize("own", [True, False], ids=["ours", "uvicorn's"])
def test_c7_forwarded_addresses_judged_by_us_or_before_us_by_the_server(serve, own):
    served = serve(proxy_headers=not own, forwarded_allow_ips="127.0.0.1")
    rid = "4bf92f3577b34da6a3ce929d0e0e4736"
    for forwarded in ("6.6.6.6, 198.51.100.4", "jane@example.com"):
        client = served.connect(
            "/quick/1", f"X-Forwarded-For: {forwarded}", f"X-Request-ID: {rid}", "Connection: close"
        )
        while client.recv(65_536):
            pass
        client.close()
    good, bad = served.events()
    assert good.source_net == "198.51.100.0/24"
    assert bad.source_net is msgspec.UNSET
    assert bad.redactions == {"FORWARDED_ADDRESS": 1}
    # Who the real peer was is known only if the server does not rewrite it.
    assert (good.peer_net == "127.0.0.0/24") is own
    assert (good.request_id == rid) is own
