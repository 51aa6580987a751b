"""What the outermost layers do, around an application that is not ours."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from auditroll.api import problems
from auditroll.api.gate import MAX_REQUEST_OCTETS, Gate
from auditroll.api.headers import COMMON, COOKIE_STATE, AnswerHeaders
from auditroll.errors import (
    AccessError,
    CollectorError,
    Error,
    IntegrityError,
    PolicyError,
    ProducerError,
)

pytestmark = pytest.mark.anyio

POLICY = "default-src 'none'"
SECRET = "jane@example.com"
ERRORS: dict[str, Error] = {
    "producer": ProducerError("bad-thing", "it is bad", hint="Mend it."),
    "access": AccessError("unauthenticated", "who is it", status=401),
    "access-late": AccessError("too-many-attempts", "slowly", status=429, retry_after=7),
    "policy": PolicyError("not-so", "a rule says no"),
    "collector": CollectorError("room-full", "no room", retry_after=2),
    "integrity": IntegrityError("altered", "evidence does not hold"),
}


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: int


def application() -> AnswerHeaders:
    app = FastAPI()
    problems.install(app)

    @app.get("/v1/fail/{kind}")
    async def fail(kind: str) -> None:
        raise ERRORS[kind] if kind in ERRORS else RuntimeError(SECRET)

    @app.post("/v1/typed")
    async def typed(body: Body) -> int:
        return body.name

    @app.post("/v1/own-limit")
    async def own_limit(request: Request) -> int:
        return len(await request.body())

    @app.get("/page")
    async def page(request: Request) -> str:
        setattr(request.state, COOKIE_STATE, "a=b; HttpOnly")
        return "page"

    app.add_middleware(Gate, hosts=["here", "[::1]"], unlimited=["/v1/own-limit"])
    return AnswerHeaders(app, POLICY)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://here:8600") as found:
        yield found


def problem(answer: httpx.Response) -> dict[str, object]:
    """Return the answer's problem; it has the members that every problem has."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert {"type", "title", "status", "code"} <= body.keys()
    assert body["status"] == answer.status_code
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text
    return body


@pytest.mark.parametrize("kind", ERRORS)
async def test_every_error_is_a_problem(client: httpx.AsyncClient, kind: str) -> None:
    error = ERRORS[kind]
    answer = await client.get(f"/v1/fail/{kind}")
    body = problem(answer)
    assert answer.status_code == error.status
    assert (body["type"], body["code"]) == (f"urn:auditroll:error:{error.code}", error.code)
    assert (body["title"], body.get("detail", "")) == (error.message, error.hint)
    assert ("retry-after" in answer.headers) == ("retry_after" in error.details)
    assert ("www-authenticate" in answer.headers) == (error.status == 401)


async def test_what_nobody_expected_says_nothing_of_its_cause(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/fail/unexpected")
    body = problem(answer)
    assert (answer.status_code, body["code"]) == (503, "internal")


@pytest.mark.parametrize(
    ("content", "places"),
    [
        (b'{"name":"jane@example.com"}', ["body.name"]),
        (b'{"name":1,"jane@example.com":1}', ["body"]),
        (b'"jane@example.com"', ["body"]),
        (b"{", ["body.1"]),
    ],
)
async def test_a_wrong_body_is_told_where_and_not_what(
    client: httpx.AsyncClient, content: bytes, places: list[str]
) -> None:
    headers = {"content-type": "application/json"}
    answer = await client.post("/v1/typed", content=content, headers=headers)
    assert answer.status_code == 422
    assert problem(answer)["places"] == places


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/no", 404), ("PUT", "/page", 405)])
async def test_unknown_paths_and_methods_are_problems(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert problem(answer)["type"] == "about:blank"


@pytest.mark.parametrize("path", ["/page", "/no", "/v1/fail/access", "/v1/fail/unexpected"])
async def test_every_answer_has_the_security_headers(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    for name, value in (COMMON | {"Content-Security-Policy": POLICY}).items():
        assert answer.headers[name] == value
    assert "server" not in answer.headers


@pytest.mark.parametrize(
    "host", ["evil.example", "here.evil.example", "evil.example:8600", "", "here:x", "[::2]", "::1"]
)
async def test_a_foreign_host_name_is_refused(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.get("/page", headers={"host": host})
    assert answer.status_code == 400
    assert problem(answer)["code"] == "host-unknown"
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize("host", ["here", "HERE:8600", "[::1]", "[::1]:8600"])
async def test_our_own_names_pass(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/page", headers={"host": host})).status_code == 200


async def test_a_long_body_is_refused_while_it_arrives(client: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 2**16
            yield b" " * 2**16

    headers = {"content-type": "application/json"}
    answer = await client.post("/v1/typed", content=endless(), headers=headers)
    assert answer.status_code == 413
    assert problem(answer)["code"] == "body-too-large"
    assert sent <= MAX_REQUEST_OCTETS + 2**16


async def test_a_route_may_have_a_limit_of_its_own(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/own-limit", content=b" " * (MAX_REQUEST_OCTETS + 1))
    assert answer.json() == MAX_REQUEST_OCTETS + 1


async def test_a_changed_session_reaches_the_browser(client: httpx.AsyncClient) -> None:
    assert (await client.get("/page")).headers["set-cookie"] == "a=b; HttpOnly"
