import asyncio
import contextlib

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocketDisconnect

from auditroll.capture.audit import audit
from auditroll.capture.routes import AuditExempt
from tests.unit.capture.harness import Server, audited, http_scope


def connect(endpoint, *script, path="/feeds/7", routes=None):
    app = Starlette(routes=[WebSocketRoute("/feeds/{fid}", endpoint)])
    app, recorder, _ = audited(app, routes=routes)
    server = Server({"type": "websocket.connect"}, *script)
    scope = http_scope(path, type="websocket", subprotocols=[])
    scope["extensions"] = {"websocket.http.response": {}}
    del scope["method"]
    with contextlib.suppress(RuntimeError):
        asyncio.run(app(scope, server.receive, server.send))
    return recorder


def test_a_connection_has_an_opening_and_a_closing_record():
    async def feed(websocket):
        audit.actor("ann")
        await websocket.accept()
        await websocket.send_text("h\u00e9llo")
        await websocket.send_bytes(b"123")
        assert await websocket.receive_text() == "ok"
        await websocket.close()

    recorder = connect(feed, {"type": "websocket.receive", "text": "ok"})
    opened, closed = recorder.records
    assert (opened["event_type"], opened["status_code"]) == ("http.request", 101)
    assert (opened["outcome"], opened["route"]) == ("ok", "/feeds/{fid}")
    assert (closed["event_type"], closed["outcome"]) == ("data.access", "ok")
    assert (closed["bytes_in"], closed["bytes_out"]) == (2, 9)
    assert "http_method" not in closed
    assert "status_code" not in closed
    assert opened["request_id"] == closed["request_id"]
    assert opened["user_id"] == closed["user_id"] == "ann"
    assert closed["resource_id"] == "feed:7"


def test_a_refused_connection_is_denied():
    async def feed(websocket):
        await websocket.close(code=3000)

    record = connect(feed).only
    assert (record["status_code"], record["outcome"]) == (403, "denied")


def test_a_refusal_with_a_response_of_its_own():
    async def feed(websocket):
        await websocket.send_denial_response(PlainTextResponse("no", 401))

    record = connect(feed).only
    assert (record["status_code"], record["outcome"]) == (401, "denied")


def test_an_unmatched_connection():
    record = connect(lambda websocket: None, path="/nope/jane@example.com").only
    assert record["route"] == "/{unmatched}"
    assert "jane" not in str(record)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [(1000, "ok"), (1001, "ok"), (1005, "ok"), (1006, "aborted_client"), (1011, "error")],
)
def test_the_clients_code_tells_how_it_ended(code, outcome):
    async def feed(websocket):
        await websocket.accept()
        with pytest.raises(WebSocketDisconnect):
            await websocket.receive_text()

    recorder = connect(feed, {"type": "websocket.disconnect", "code": code})
    assert recorder.records[1]["outcome"] == outcome


def test_the_applications_code_tells_how_it_ended():
    async def feed(websocket):
        await websocket.accept()
        await websocket.close(code=1008)

    assert connect(feed).records[1]["outcome"] == "denied"


def test_an_open_connection_that_raises():
    async def feed(websocket):
        await websocket.accept()
        raise RuntimeError

    assert connect(feed).records[1]["outcome"] == "error"


def test_a_handler_that_raises_before_it_accepts():
    async def feed(websocket):
        raise RuntimeError

    record = connect(feed).only
    assert (record["status_code"], record["outcome"]) == (500, "error")


def test_an_exempt_connection_is_counted():
    async def feed(websocket):
        await websocket.accept()
        await websocket.close()

    recorder = connect(feed, routes={"/feeds/{fid}": AuditExempt("ticker")})
    assert recorder.records == []
