"""Less common shapes of applications, users and responses."""

import asyncio
from typing import Any

from litestar import Litestar, asgi
from starlette.applications import Starlette
from starlette.authentication import BaseUser, UnauthenticatedUser
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from auditroll.capture.identity import authenticated_user
from tests.unit.capture.harness import Server, audited, call, get, http_scope


class Directory(BaseUser):
    """A user with an identity of its own."""

    is_authenticated = True
    display_name = "Dr. Lee"
    identity = "lee@clinic.example"


def test_the_identity_of_a_user_comes_before_its_display_name():
    assert authenticated_user({"user": Directory()}).user_id == "lee@clinic.example"


def test_nobody_signed_in_is_nobody():
    assert authenticated_user({"user": UnauthenticatedUser()}) is None
    assert authenticated_user({"user": "a name only"}) is None
    app, recorder, _ = audited(Starlette(), identify=lambda scope: None)
    get(app, "/", user=UnauthenticatedUser())
    assert "user_id" not in recorder.only


def test_an_application_that_runs_already_is_recorded_from_now_on():
    app = Starlette(routes=[Route("/a", lambda request: PlainTextResponse("x"))])
    get(app, "/a")
    app, recorder, _ = audited(app)
    get(app, "/a")
    assert recorder.only["route"] == "/a"


def test_sizes_of_a_request_in_parts():
    async def upload(request):
        return JSONResponse(len(await request.body()))

    app, recorder, _ = audited(Starlette(routes=[Route("/a", upload, methods=["POST"])]))
    parts = [
        {"type": "http.request", "body": b"12", "more_body": True},
        {"type": "http.request", "body": b"345", "more_body": False},
    ]
    assert call(app, "/a", method="POST", script=parts).body == b"5"
    assert (recorder.only["bytes_in"], recorder.only["action_type"]) == (5, "CREATE")


def test_a_file_that_the_server_sends_itself_ends_the_response():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.pathsend", "path": "/var/lib/scan.dcm"})

    app, recorder, _ = audited(app)
    call(app)
    assert recorder.only["outcome"] == "ok"
    assert "scan" not in str(recorder.only)


def test_other_messages_and_an_application_that_answers_nothing():
    async def app(scope, receive, send):
        assert (await receive())["type"] == "http.request"
        await send({"type": "http.response.debug", "info": {}})

    app, recorder, _ = audited(app)
    call(app)
    assert (recorder.only["status_code"], recorder.only["outcome"]) == (500, "error")


def test_a_body_that_never_ends_is_cut_by_the_server():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})

    app, recorder, _ = audited(app)
    call(app)
    assert (recorder.only["status_code"], recorder.only["outcome"]) == (200, "aborted_server")


def test_a_client_that_leaves_before_any_answer():
    async def app(scope, receive, send):
        assert (await receive())["type"] == "http.disconnect"

    app, recorder, _ = audited(app)
    call(app, script=[{"type": "http.disconnect"}])
    assert (recorder.only["status_code"], recorder.only["outcome"]) == (499, "aborted_client")


def test_an_application_mounted_in_litestar():
    @asgi("/legacy", is_mount=True, copy_scope=True)
    async def legacy(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("old")(scope, receive, send)

    app, recorder, _ = audited(Litestar([legacy], logging_config=None, openapi_config=None))
    assert get(app, "/legacy/files/jane@example.com").body == b"old"
    assert recorder.only["route"] == "/legacy/{path}"
    assert "jane" not in str(recorder.only)


def test_scopes_of_other_kinds_pass():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    app, recorder, _ = audited(app)
    server = Server()
    asyncio.run(app(http_scope(type="auditroll.test"), server.receive, server.send))
    assert seen == ["auditroll.test"]
    assert recorder.records == []


def test_a_peer_that_the_server_does_not_know():
    app, recorder, _ = audited(Starlette())
    get(app, "/", client=None)
    assert "source_ip" not in recorder.only
