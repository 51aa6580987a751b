"""A recorder that keeps what it is given, and applications served without a network."""

import asyncio
from collections.abc import Mapping
from typing import Any

from auditroll.capture.address import AddressPolicy
from auditroll.capture.attach import attach
from auditroll.capture.capture import Capture, Settings
from auditroll.capture.digests import KeyedHash
from auditroll.capture.routes import RouteTable
from auditroll.capture.templates import RouteIndex

KEYED = KeyedHash("k1", b"\x01" * 32)


class ListRecorder:
    """Keeps events in a list."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.modes: list[str | None] = []
        self.syncs = 0
        self.can_sync = True

    def record(self, fields: Mapping[str, Any], *, mode: str | None = None) -> None:
        self.records.append(dict(fields))
        self.modes.append(mode)

    def seal_user(self, identity: str) -> str:
        return KEYED.of(identity.encode())

    def sync(self) -> bool:
        self.syncs += 1
        return self.can_sync

    @property
    def only(self) -> dict[str, Any]:
        assert len(self.records) == 1, self.records
        return self.records[0]


def audited(app, *, trusted=(), routes=None, header="x-forwarded-for", **settings):
    """Return the application with the outermost layer on, and its recorder and capture."""
    recorder = ListRecorder()
    chosen = Settings(RouteTable(routes or {}), AddressPolicy(trusted, header), **settings)
    capture = Capture(recorder, KEYED, chosen, RouteIndex(app))
    return attach(app, capture), recorder, capture


def http_scope(path="/", method="GET", headers=(), client=("203.0.113.7", 4711), **more):
    """Return the scope a server makes for a request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        "client": client,
        "server": ("127.0.0.1", 80),
        "state": {},
        **more,
    }


class Server:
    """Plays the server's part for one request: what it receives is scripted, what is sent kept.

    After the script, `receive` waits for ever, as a server does while the client is there.
    """

    def __init__(self, *script: dict[str, Any]) -> None:
        self.script = list(script or [{"type": "http.request", "body": b"", "more_body": False}])
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if self.script:
            return self.script.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(dict(message))

    @property
    def status(self) -> int:
        return next(m["status"] for m in self.sent if m["type"] == "http.response.start")

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.sent if m["type"].endswith("body"))


def call(app, path="/", *, script=(), **scope) -> Server:
    """Serve one request; what the application raises is raised."""
    server = Server(*script)
    asyncio.run(app(http_scope(path, **scope), server.receive, server.send))
    return server


def get(app, path="/", method="GET", **scope) -> Server:
    """Serve one request; what the application raises stays with the server, as in production."""
    server = Server()
    scope = http_scope(path, method=method, **scope)

    async def serve() -> None:
        try:
            await app(scope, server.receive, server.send)
        except RuntimeError as error:
            server.error = error

    asyncio.run(serve())
    return server
