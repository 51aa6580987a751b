"""The published capture cases, each under its id, for every framework that is installed."""

import asyncio

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from litestar import Litestar
from litestar import get as litestar_get
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.params import FromPath
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Host, Mount, Route, Router
from starlette.staticfiles import StaticFiles

from auditroll.capture.attach import attach
from auditroll.capture.audit import audit
from tests.unit.capture.harness import KEYED, Server, audited, get, http_scope

SECRET = "jane@example.com"


def fastapi_app() -> FastAPI:
    app = FastAPI()

    def needs_login():
        raise HTTPException(401)

    @app.get("/patients/{pid}")
    async def patient(pid: str):
        return {"pid": pid}

    @app.get("/boom/{pid}")
    async def boom(pid: str):
        raise RuntimeError(SECRET)

    @app.get("/login", dependencies=[Depends(needs_login)])
    async def login():
        return {}

    @app.get("/forbidden")
    def forbidden():
        raise HTTPException(403)

    return app


def starlette_app() -> Starlette:
    async def patient(request):
        return JSONResponse({"pid": request.path_params["pid"]})

    async def boom(request):
        raise RuntimeError(SECRET)

    async def login(request):
        raise StarletteHTTPException(401)

    def forbidden(request):
        raise StarletteHTTPException(403)

    return Starlette(
        routes=[
            Route("/patients/{pid}", patient),
            Route("/boom/{pid}", boom),
            Route("/login", login),
            Route("/forbidden", forbidden),
        ]
    )


def litestar_app(**more) -> Litestar:
    @litestar_get("/patients/{pid:str}")
    async def patient(pid: FromPath[str]) -> dict[str, str]:
        return {"pid": pid}

    @litestar_get("/boom/{pid:str}")
    async def boom(pid: FromPath[str]) -> None:
        raise RuntimeError(SECRET)

    @litestar_get("/login")
    async def login() -> None:
        raise NotAuthorizedException

    @litestar_get("/forbidden", sync_to_thread=True)
    def forbidden() -> None:
        raise PermissionDeniedException

    handlers = [patient, boom, login, forbidden]
    return Litestar(handlers, logging_config=None, openapi_config=None, **more)


APPS = {"fastapi": fastapi_app, "starlette": starlette_app, "litestar": litestar_app}
every_framework = pytest.mark.parametrize("make", APPS.values(), ids=APPS)


@every_framework
def test_a_read(make):
    app, recorder, _ = audited(make())
    assert get(app, "/patients/1274").status == 200
    record = recorder.only
    assert record["event_type"] == "http.request"
    assert record["route"] == "/patients/{pid}"
    assert record["resource_type"] == "patient"
    assert record["resource_id"] == "patient:1274"
    assert record["action_type"] == "READ"
    assert record["http_method"] == "GET"
    assert (record["status_code"], record["outcome"], record["success"]) == (200, "ok", True)
    assert "user_id" not in record  # the recorder says anonymous
    assert record["source_ip"] == "203.0.113.7"
    assert record["source_net"] == "203.0.113.0/24"
    assert record["bytes_out"] == len(b'{"pid":"1274"}')


@every_framework
def test_c1_the_handler_raises(make):
    app, recorder, _ = audited(make())
    assert get(app, "/boom/7").status == 500
    record = recorder.only
    assert (record["status_code"], record["outcome"]) == (500, "error")
    assert record["success"] is False
    assert record["route"] == "/boom/{pid}"
    assert SECRET not in str(record)


@every_framework
@pytest.mark.parametrize(("path", "status"), [("/login", 401), ("/forbidden", 403)])
def test_c2_denied_by_the_handler_or_a_dependency(make, path, status):
    app, recorder, _ = audited(make())
    assert get(app, path).status == status
    record = recorder.only
    assert (record["status_code"], record["outcome"]) == (status, "denied")
    assert record["route"] == path


class Bouncer:
    """A middleware that denies before routing, added after instrumentation."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            await PlainTextResponse("no", 401)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


@pytest.mark.parametrize("make", [fastapi_app, starlette_app])
def test_c2_denied_by_a_middleware_added_later(make):
    app, recorder, _ = audited(make())
    app.add_middleware(Bouncer)
    assert get(app, "/patients/1274").status == 401
    record = recorder.only
    assert record["outcome"] == "denied"
    assert record["route"] == "/{unmatched}"
    assert record["path_ref"] == KEYED.of(b"/patients/1274")


def test_c2_denied_by_a_litestar_middleware():
    app, recorder, _ = audited(litestar_app(middleware=[Bouncer]))
    assert get(app, "/patients/1274").status == 401
    assert recorder.only["outcome"] == "denied"
    assert recorder.only["route"] == "/patients/{pid}"


def test_c2_a_denied_credential_is_told_apart_by_its_keyed_hash_only():
    app, recorder, _ = audited(fastapi_app())
    get(app, "/login", headers=[("authorization", "Bearer s3cr3t-token")])
    record = recorder.only
    assert record["session_ref"] == KEYED.of(b"Bearer s3cr3t-token")
    assert record["auth_method"] == "bearer"
    assert "s3cr3t" not in str(record)


def streaming_app(gate: asyncio.Event | None = None) -> Starlette:
    async def rows():
        yield b"one"
        if gate is not None:
            await gate.wait()
        yield b"two"

    async def stream(request):
        return StreamingResponse(rows())

    return Starlette(routes=[Route("/export", stream)])


def test_c3_a_stream_completes():
    app, recorder, _ = audited(streaming_app())
    assert get(app, "/export").body == b"onetwo"
    assert recorder.only["outcome"] == "ok"
    assert recorder.only["bytes_out"] == 6


def test_c3_the_client_leaves_in_the_middle_of_a_stream():
    async def run():
        app, recorder, _ = audited(streaming_app(asyncio.Event()))
        server = Server()
        server.script = [
            {"type": "http.request", "body": b"", "more_body": False},
            {"type": "http.disconnect"},
        ]
        await app(http_scope("/export"), server.receive, server.send)
        return recorder.only

    record = asyncio.run(run())
    assert (record["status_code"], record["outcome"]) == (200, "aborted_client")
    assert record["success"] is False


def test_c3_the_server_cancels_in_the_middle_of_a_stream():
    async def run():
        app, recorder, _ = audited(streaming_app(asyncio.Event()))
        server = Server()
        task = asyncio.create_task(app(http_scope("/export"), server.receive, server.send))
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return recorder.only

    record = asyncio.run(run())
    assert (record["status_code"], record["outcome"]) == (200, "aborted_server")


def test_c3_the_client_leaves_and_the_server_cancels_too():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await receive()
        await asyncio.Event().wait()

    async def run():
        outer, recorder, _ = audited(app)
        server = Server({"type": "http.disconnect"})
        task = asyncio.create_task(outer(http_scope("/export"), server.receive, server.send))
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return recorder.only

    # What came first is the cause: the client had left before anything was cancelled.
    assert asyncio.run(run())["outcome"] == "aborted_client"


def test_c3_the_server_says_by_an_error_of_send_that_the_client_is_gone():
    class Gone(Server):
        async def send(self, message):
            await super().send(message)
            if message["type"] == "http.response.body":
                raise OSError("client disconnected")

    async def run():
        app, recorder, _ = audited(streaming_app())
        server = Gone()
        scope = http_scope("/export", asgi={"version": "3.0", "spec_version": "2.4"})
        with pytest.raises(Exception):  # noqa: B017, PT011  starlette's ClientDisconnect
            await app(scope, server.receive, server.send)
        return recorder.only

    assert asyncio.run(run())["outcome"] == "aborted_client"


def test_c3_a_stream_that_raises_is_an_error_although_its_status_is_200():
    async def rows():
        yield b"one"
        raise RuntimeError(SECRET)

    async def stream(request):
        return StreamingResponse(rows())

    app, recorder, _ = audited(Starlette(routes=[Route("/export", stream)]))
    with pytest.raises((RuntimeError, ExceptionGroup)):
        asyncio.run(app(http_scope("/export"), *(lambda s: (s.receive, s.send))(Server())))
    assert (recorder.only["status_code"], recorder.only["outcome"]) == (200, "error")


def test_c4_the_record_is_written_before_the_background_task_and_without_its_time():
    seen = []

    async def task():
        seen.append(len(recorder.records))
        await asyncio.sleep(0.2)
        audit.purpose("treatment")

    async def handler(request):
        return JSONResponse({}, background=BackgroundTask(task))

    app, recorder, capture = audited(Starlette(routes=[Route("/", handler)]))
    get(app, "/")
    assert seen == [1]
    assert recorder.only["latency_ms"] < 200
    assert "purpose_of_use" not in recorder.only
    assert capture.counters.late_calls == 1


def test_c4_a_background_task_that_raises_changes_nothing():
    def task():
        raise RuntimeError

    async def handler(request):
        return JSONResponse({}, background=BackgroundTask(task))

    app, recorder, _ = audited(Starlette(routes=[Route("/", handler)]))
    get(app, "/")
    assert recorder.only["outcome"] == "ok"


@every_framework
def test_c5_an_unmatched_path_is_never_kept(make):
    app, recorder, _ = audited(make())
    assert get(app, f"/nope/{SECRET}").status == 404
    record = recorder.only
    assert SECRET not in str(record)
    assert record["route"] == "/{unmatched}"
    assert record["path_ref"] == KEYED.of(f"/nope/{SECRET}".encode())
    assert "resource_id" not in record


@pytest.mark.parametrize("make", [fastapi_app, starlette_app])
def test_c5_redirect_slashes(make):
    app, recorder, _ = audited(make())
    assert get(app, f"/patients/{SECRET}/").status == 307
    record = recorder.only
    assert SECRET not in str(record)
    assert record["route"] == "/{unmatched}"


@every_framework
def test_c5_method_not_allowed(make):
    app, recorder, _ = audited(make())
    assert get(app, "/patients/1274", method="DELETE").status == 405
    record = recorder.only
    assert record["route"] in {"/patients/{pid}", "/{unmatched}"}
    assert record["outcome"] == "error"


def inner() -> FastAPI:
    sub = FastAPI()

    @sub.get("/items/{iid}")
    def item(iid: str):
        return {}

    return sub


def test_c6_a_mounted_application_shows_its_full_template_once():
    app = FastAPI()
    app.mount("/sub", inner())
    app, recorder, _ = audited(app)
    assert get(app, "/sub/items/5").status == 200
    assert recorder.only["route"] == "/sub/items/{iid}"
    assert recorder.only["resource_id"] == "item:5"


def test_c6_a_mount_with_a_parameter_never_shows_its_value():
    app, recorder, _ = audited(Starlette(routes=[Mount("/clinics/{who}", app=inner())]))
    assert get(app, f"/clinics/{SECRET}/items/5").status == 200
    assert recorder.only["route"] == "/clinics/{who}/items/{iid}"
    assert SECRET not in str(recorder.only)


def test_c6_unmatched_inside_a_mount():
    app, recorder, _ = audited(Starlette(routes=[Mount("/clinics/{who}", app=inner())]))
    assert get(app, f"/clinics/{SECRET}/nope").status == 404
    assert recorder.only["route"] == "/{unmatched}"
    assert SECRET not in str(recorder.only)


@pytest.mark.filterwarnings("ignore:.*root_path")
@pytest.mark.parametrize("path", ["/api/sub/items/5", "/items/5", "/api/items/5"])
def test_c6_root_path_of_the_application(path):
    app = inner()
    app.root_path = "/api"
    app.mount("/sub", inner())
    app, recorder, _ = audited(app)
    assert get(app, path).status == 200
    assert recorder.only["route"] in {"/api/sub/items/{iid}", "/api/items/{iid}"}
    assert recorder.only["route"].count("sub") == path.count("sub")


@pytest.mark.parametrize("make", [fastapi_app, starlette_app, litestar_app])
def test_c6_root_path_of_the_server(make):
    app, recorder, _ = audited(make())
    assert get(app, "/api/patients/5", root_path="/api").status == 200
    assert recorder.only["route"] == "/api/patients/{pid}"


def test_c6_an_application_by_host():
    app, recorder, _ = audited(Starlette(routes=[Host("{org}.example.org", app=inner())]))
    assert get(app, "/items/5", headers=[("host", "acme.example.org")]).status == 200
    assert recorder.only["route"] == "/items/{iid}"
    assert "acme" not in str(recorder.only)


def test_c6_one_application_mounted_twice():
    sub = inner()
    app, recorder, _ = audited(Starlette(routes=[Mount("/a", app=sub), Mount("/b", app=sub)]))
    get(app, "/b/items/5")
    get(app, "/a/items/5")
    assert [one["route"] for one in recorder.records] == ["/b/items/{iid}", "/a/items/{iid}"]


def test_c6_included_routers_with_prefixes():
    router = APIRouter(prefix="/items")

    @router.get("/{iid:int}")
    def item(iid: int):
        return {}

    outer = APIRouter(prefix="/v1")
    outer.include_router(router)
    app = FastAPI()
    app.include_router(outer)
    app.include_router(router, prefix="/old")
    app, recorder, _ = audited(app)
    assert get(app, "/v1/items/5").status == 200
    assert get(app, "/old/items/5").status == 200
    assert [one["route"] for one in recorder.records] == [
        "/v1/items/{iid}",
        "/old/items/{iid}",
    ]


def test_c6_static_files_and_plain_routes_inside_fastapi(tmp_path):
    (tmp_path / "logo.svg").write_text("<svg/>")
    app = FastAPI()
    app.mount("/static", StaticFiles(directory=tmp_path))
    app, recorder, _ = audited(app)
    assert get(app, "/static/logo.svg").status == 200
    assert get(app, "/openapi.json").status == 200
    assert [one["route"] for one in recorder.records] == ["/static/{path}", "/openapi.json"]


def test_c6_a_mount_behind_middleware_of_its_own():
    class Pass:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            await self.app(scope, receive, send)

    mount = Mount("/sub", app=inner(), middleware=[Middleware(Pass)])
    app, recorder, _ = audited(Starlette(routes=[mount]))
    assert get(app, "/sub/items/5").status == 200
    assert recorder.only["route"] == "/sub/items/{iid}"


def test_c6_an_instrumented_application_inside_another_is_recorded_once():
    sub, inner_recorder, capture = audited(inner())
    app, recorder, _ = audited(Starlette(routes=[Mount("/sub", app=sub)]))
    attach(app, capture)
    get(app, "/sub/items/5")
    assert len(recorder.records) + len(inner_recorder.records) == 1


def test_a_route_added_while_running_is_found():
    app, recorder, _ = audited(Starlette(routes=[]))
    get(app, "/late/5")
    app.router.routes.append(Route("/late/{lid}", lambda request: PlainTextResponse("")))
    get(app, "/late/5")
    assert [one["route"] for one in recorder.records] == ["/{unmatched}", "/late/{lid}"]


def test_a_plain_router_is_an_application_too():
    router = Router([Route("/a/{b}", lambda request: PlainTextResponse("x"))])
    app, recorder, _ = audited(router)
    get(app, "/a/1")
    assert recorder.only["route"] == "/a/{b}"


def test_c8_a_failing_helper_changes_no_response():
    def identify(scope):
        raise ConnectionError("the directory is down")

    app, recorder, capture = audited(fastapi_app(), identify=identify)
    assert get(app, "/patients/1274").status == 200
    assert recorder.only["outcome"] == "ok"
    assert "user_id" not in recorder.only
    assert recorder.only["dropped_fields"] == 1
    assert capture.counters.helper_failures == 1


def test_c8_a_record_that_cannot_be_built_is_written_in_its_smallest_form():
    app, recorder, capture = audited(fastapi_app())
    capture.keyed = None
    assert get(app, "/nope").status == 404
    assert recorder.only["event_type"] == "recorder.fallback"
    assert capture.counters.build_failures == 1


def test_c8_a_scope_no_server_makes_is_served_and_recorded():
    async def app(scope, receive, send):
        await PlainTextResponse("served")(scope, receive, send)

    app, recorder, _ = audited(app)
    server = Server()
    asyncio.run(app({"type": "http", "method": "GET"}, server.receive, server.send))
    assert server.body == b"served"
    assert recorder.only["event_type"] == "recorder.fallback"


def test_c10_two_users_at_once_never_share_an_identity():
    app = FastAPI()

    def who(user: str):
        audit.actor(user, role="clinician")

    @app.get("/sync/{user}", dependencies=[Depends(who)])
    def sync(user: str):
        return {}

    @app.get("/task/{user}")
    async def task(user: str):
        async def say():
            await asyncio.sleep(0)
            audit.actor(user)

        await asyncio.gather(say(), asyncio.sleep(0))
        return {}

    app, recorder, _ = audited(app)

    async def run():
        servers = [Server() for _ in range(60)]
        await asyncio.gather(
            *(
                app(http_scope(f"/{kind}/u{i}"), servers[i].receive, servers[i].send)
                for i, kind in enumerate(["sync", "task"] * 30)
            )
        )

    asyncio.run(run())
    assert len(recorder.records) == 60
    for record in recorder.records:
        assert record["resource_id"].endswith(f":{record['user_id']}")


def test_c11_a_list_names_what_was_delivered():
    async def rows():
        for one in range(3):
            audit.resources("patient", [one])
            yield b"row\n"

    async def export(request):
        audit.action("EXPORT")
        return StreamingResponse(rows())

    app, recorder, _ = audited(Starlette(routes=[Route("/export", export)]))
    get(app, "/export")
    record = recorder.only
    assert record["action_type"] == "EXPORT"
    assert record["resource_ids"] == ["patient:0", "patient:1", "patient:2"]
    assert record["resource_count"] == 3
    assert record["resource_set_hash"] == KEYED.of(b"patient:0\npatient:1\npatient:2")


def test_c11_more_than_a_hundred_go_on_in_parts():
    async def handler(request):
        audit.actor("dr.lee@clinic.example")
        audit.resources("patient", range(250))
        return JSONResponse([])

    app, recorder, _ = audited(Starlette(routes=[Route("/patients", handler)]))
    get(app, "/patients")
    first, second, third = recorder.records
    assert [len(one["resource_ids"]) for one in recorder.records] == [100, 100, 50]
    assert [(one["part"], one["parts"]) for one in recorder.records] == [(1, 3), (2, 3), (3, 3)]
    assert {one["resource_count"] for one in recorder.records} == {250}
    assert {one["resource_set_hash"] for one in recorder.records} == {first["resource_set_hash"]}
    assert {one["request_id"] for one in recorder.records} == {first["request_id"]}
    assert {one["user_id"] for one in recorder.records} == {"dr.lee@clinic.example"}
    assert first["event_type"] == "http.request"
    assert second["event_type"] == third["event_type"] == "data.access"
    assert "http_method" not in second
    assert "status_code" not in second


def test_c12_head_and_options_are_no_read_of_the_resource():
    async def patient(request):
        audit.resources("patient", ["1274"])
        return PlainTextResponse("secret")

    app, recorder, capture = audited(Starlette(routes=[Route("/patients/{pid}", patient)]))
    get(app, "/patients/1274", method="HEAD")
    get(app, "/patients/1274", method="OPTIONS")
    head, options = recorder.records
    for record in (head, options):
        assert record["action_type"] == "EXECUTE"
        assert "resource_id" not in record
        assert "resource_ids" not in record
        assert record["route"] == "/patients/{pid}"
    assert head["outcome"] == "ok"
    assert "bytes_out" not in head
    assert capture.counters.requests == 2


def test_c12_a_preflight_is_only_counted():
    app, recorder, capture = audited(fastapi_app())
    get(
        app,
        "/patients/1274",
        method="OPTIONS",
        headers=[("access-control-request-method", "GET"), ("origin", "https://a.example")],
    )
    assert recorder.records == []
    assert capture.counters.preflights == 1
