import asyncio

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route as StarletteRoute

from auditroll.capture.attach import capture_of, uncovered
from auditroll.capture.routes import AuditExempt, Route
from auditroll.errors import PolicyError
from tests.unit.capture.harness import Server, audited
from tests.unit.capture.test_cases import fastapi_app, litestar_app, starlette_app


async def start_page(request):
    return PlainTextResponse("welcome")


@pytest.mark.parametrize("make", [fastapi_app, starlette_app, litestar_app])
def test_every_route_names_a_resource_or_is_declared(make):
    app, _, _ = audited(make(), routes={"/openapi.json": AuditExempt("the API's description")})
    assert uncovered(app) == []
    assert "/patients/{pid}" in capture_of(app).index.templates()


def test_a_route_without_a_resource_is_uncovered_until_declared():
    for routes, left in (({}, ["/"]), ({"/": AuditExempt("start page")}, []), ({"/": Route()}, [])):
        app = Starlette(routes=[StarletteRoute("/", start_page)])
        app, _, _ = audited(app, routes=routes)
        assert uncovered(app) == left


def test_an_application_that_is_not_instrumented():
    with pytest.raises(PolicyError) as caught:
        uncovered(fastapi_app())
    assert caught.value.code == "not-instrumented"


def test_a_declaration_without_a_route_is_named_at_the_start(caplog):
    app, _, _ = audited(fastapi_app(), routes={"/patient/{pid}": Route(mode="strict")})
    server = Server({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    asyncio.run(app({"type": "lifespan", "state": {}}, server.receive, server.send))
    assert "no such route: /patient/{pid}" in caplog.text
