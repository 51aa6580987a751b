"""Every route against every credential, and one tenant against the other."""

from collections.abc import AsyncGenerator, Iterable, Iterator
from typing import Any, cast

import httpx
import pytest
from starlette.routing import BaseRoute, Mount

from auditroll import console
from auditroll.api import create_app
from tests.integration.api import MINE, OTHER, Api, api, files_with

pytestmark = pytest.mark.anyio

CREDENTIALS = ("none", "producer", "reader", "session without header", "session")
# What each kind of route answers to each of them; None: it lets the request pass.
OPEN = (None, None, None, None, None)
INSERT = (401, None, 401, 401, 401)
READ = (401, 403, None, 403, None)
ADMINISTER = (401, 403, 403, 403, None)

EXPECTED = {
    "POST /v1/events": INSERT,
    "GET /v1/producers/self/epochs/{epoch:str}": INSERT,
    "POST /v1/enrol": OPEN,
    "POST /v1/login": OPEN,
    "POST /v1/logout": READ,
    "GET /v1/session": READ,
    "POST /v1/records/search": READ,
    "GET /v1/records/{stream}/{index}": READ,
    "GET /v1/records/{stream}/{index}/proof": READ,
    "GET /v1/streams": READ,
    "GET /v1/checkpoint": READ,
    "GET /v1/streams/{stream}/checkpoint": READ,
    "GET /v1/streams/{stream}/consistency": READ,
    "GET /v1/streams/{stream}/lines": READ,
    "POST /v1/exports": READ,
    "GET /v1/producers": ADMINISTER,
    "POST /v1/producers": ADMINISTER,
    "POST /v1/producers/{producer}/revoke": ADMINISTER,
    "GET /v1/health": OPEN,
    "GET /v1/status": READ,
    "GET /v1/metrics": READ,
    "GET /v1/openapi.json": READ,
    "GET /": OPEN,
    "GET /console": OPEN,
    "GET /console/": OPEN,
    "GET /console/static/app.js": OPEN,
}
PARAMETERS = {
    "{stream}": "0" * 32,
    "{index}": "0",
    "{producer}": "nobody",
    "{epoch:str}": "0" * 32,
}


def route_table(routes: Iterable[BaseRoute]) -> Iterator[str]:
    for route in routes:
        if isinstance(route, Mount):
            yield f"GET {route.path}/app.js"
        elif (included := getattr(route, "original_router", None)) is not None:
            yield from route_table(included.routes)
        else:
            for method in sorted(cast("Any", route).methods - {"HEAD"}):
                yield f"{method} {cast('Any', route).path}"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Api]:
    async with api(tmp_path_factory.mktemp("api") / "data") as found:
        yield found


def test_every_route_has_a_declared_expectation() -> None:
    app = create_app(
        cast("Any", None), hosts=[], content_security_policy="", pages=console.routes()
    ).app
    assert sorted(route_table(cast("Any", app).routes)) == sorted(EXPECTED)


@pytest.mark.parametrize("route", EXPECTED)
async def test_each_credential_opens_what_it_should(here: Api, route: str) -> None:
    method, path = route.split(" ")
    for name, value in PARAMETERS.items():
        path = path.replace(name, value)
    clients = (
        here.client(),
        here.bearing(here.producer),
        here.bearing(here.reader),
        here.signed_in(csrf=False),
        here.signed_in(),
    )
    for credential, client, expected in zip(CREDENTIALS, clients, EXPECTED[route], strict=True):
        async with client:
            body = {"json": {}} if method == "POST" else {}
            answer = await client.request(method, path, **cast("Any", body))
        if expected is None:
            assert answer.status_code not in {401, 403, 500, 503}, (credential, answer.text)
        else:
            assert answer.status_code == expected, (credential, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("secret", ["", "x", "arr_" + "A" * 43, "ars_" + "A" * 43, "ark_é"])
async def test_a_made_up_secret_opens_nothing(here: Api, secret: str) -> None:
    headers = {"Authorization": f"Bearer {secret}".encode()}
    async with here.client() as client:
        answer = await client.get("/v1/streams", headers=cast("Any", headers))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def get(here: Api, secret: str, path: str) -> httpx.Response:
    async with here.bearing(secret) as client:
        return await client.get(path)


@pytest.mark.parametrize("kind", ["data", "ledger"])
@pytest.mark.parametrize(
    "path",
    [
        "/v1/records/{stream}/0",
        "/v1/records/{stream}/0/proof",
        "/v1/streams/{stream}/lines",
        "/v1/streams/{stream}/checkpoint",
        "/v1/streams/{stream}/consistency?old=1&size=1",
    ],
)
async def test_another_tenants_stream_is_not_there(here: Api, path: str, kind: str) -> None:
    url = path.replace("{stream}", await here.stream(MINE, kind))
    answer = await get(here, here.stranger, url)
    assert answer.status_code == 404
    nowhere = await get(here, here.stranger, path.replace("{stream}", "0" * 32))
    assert nowhere.json() == answer.json()
    assert (await get(here, here.reader, url)).status_code == 200


async def test_another_tenants_stream_is_neither_searched_nor_exported(here: Api) -> None:
    stream, own = await here.stream(MINE), await here.stream(OTHER)
    async with here.bearing(here.stranger) as client:
        assert (await client.post("/v1/exports", json={"streams": [stream]})).status_code == 404
        named = await client.post("/v1/records/search", json={"streams": [stream]})
        found = (await client.post("/v1/records/search", json={"limit": 1000})).json()
        exported = (await client.post("/v1/exports", json={})).json()
        listed = (await client.get("/v1/streams")).json()["streams"]
    assert (named.status_code, named.json()["code"]) == (400, "query-invalid")
    assert found["rows"]
    assert {row["tenant_id"] for row in found["rows"]} == {OTHER}
    assert set(found["pinned"]["streams"]) <= {row["stream"] for row in listed}
    assert {row.get("tenant", OTHER) for row in listed} == {OTHER}
    assert own in {row["stream"] for row in exported["streams"]}
    assert stream not in {row["stream"] for row in exported["streams"]}


async def test_the_root_streams_facts_can_be_read_and_proven(here: Api) -> None:
    root = here.services.installation.root_stream
    shown = (await get(here, here.reader, f"/v1/records/{root}/0")).json()
    assert shown["record"]["event_type"] == "ledger.genesis"
    proof = (await get(here, here.reader, f"/v1/records/{root}/0/proof")).json()
    assert proof["line"] == shown["line"]
    assert proof["checkpoint"].split("\n")[1] == str(proof["size"])


async def test_no_secret_of_any_kind_lies_in_the_clear(here: Api) -> None:
    code = here.code.replace("-", "")
    assert files_with(here.data, here.producer, here.reader, here.stranger, code) == []
