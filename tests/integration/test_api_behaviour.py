"""Sessions, sign-in, and what the collector records of its own readers."""

from collections.abc import AsyncGenerator, AsyncIterator

import httpx
import pytest

from auditroll.access import sessions
from auditroll.wire.batch import MAX_BODY_OCTETS
from tests.integration.api import CSRF, MINE, PASSWORD, Api, api, files_with, unknown_name

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Api]:
    async with api(tmp_path_factory.mktemp("api") / "data") as found:
        yield found


async def test_enrolment_works_once(here: Api) -> None:
    body = {"code": here.code, "name": "eve", "password": PASSWORD}
    async with here.client() as client:
        again = await client.post("/v1/enrol", json=body)
        other = await client.post("/v1/enrol", json=body | {"code": "AAAA-BBBB-CCCC"})
    assert (again.status_code, again.json()["code"]) == (401, "enrolment-code")
    assert other.json() == again.json()
    assert here.services.control.accounts.find("eve") is None
    assert len(await here.records(event_type="admin.action")) == 1


@pytest.mark.parametrize("path", ["/v1/login", "/v1/enrol"])
async def test_a_form_of_another_site_is_refused(here: Api, path: str) -> None:
    body = {"name": "ada", "password": PASSWORD} | (
        {"code": here.code} if path == "/v1/enrol" else {}
    )
    for origin in ("https://evil.example", "null", "http://127.0.0.1:9999"):
        async with here.client(Origin=origin) as client:
            answer = await client.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross-site")


async def test_a_session_is_begun_and_ended(here: Api) -> None:
    async with here.client(**CSRF) as client:
        answer = await client.post("/v1/login", json={"name": "ada", "password": PASSWORD})
        assert answer.status_code == 204
        cookie = answer.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
        assert (await client.get("/v1/session")).json()["name"] == "ada"
        token = client.cookies["auditroll_session"]
        gone = await client.post("/v1/logout")
        assert "Max-Age=0" in gone.headers["set-cookie"]
        again = await client.get("/v1/session", headers={"Cookie": f"auditroll_session={token}"})
        assert again.status_code == 401
    (logout,) = await here.records(event_type="auth.logout")
    assert logout["source_ip"].startswith("p_")


async def test_a_wrong_name_is_recorded_without_the_name(here: Api) -> None:
    typed = unknown_name()
    async with here.client() as client:
        answer = await client.post("/v1/login", json={"name": typed, "password": PASSWORD})
        known = await client.post("/v1/login", json={"name": "ada", "password": typed})
    assert answer.status_code == known.status_code == 401
    assert answer.json() == known.json()
    assert typed not in answer.text
    failed = await here.records(event_type="auth.login", outcome="denied")
    assert [record["error_code"] for record in failed] == ["unauthenticated"] * 2
    assert failed[0]["user_id"] == "anonymous"
    assert failed[1]["user_id"].startswith("p_")
    assert all(record["source_ip"].startswith("p_") for record in failed)
    assert files_with(here.data, typed) == []


@pytest.mark.parametrize(
    "path", ["/v1/streams", "/v1/checkpoint", "/v1/records/" + "0" * 32 + "/0"]
)
async def test_a_turned_token_reaches_the_browser_on_every_answer(
    here: Api, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with here.signed_in() as client:
        assert "set-cookie" not in (await client.get(path)).headers
        later = sessions.now_ms() + sessions.ROTATE_AFTER_MS
        monkeypatch.setattr(sessions, "now_ms", lambda: later)
        turned = await client.get(path)
        cookie = turned.headers["set-cookie"].split(";")[0]
        assert cookie != client.headers["cookie"]
        monkeypatch.setattr(sessions, "now_ms", lambda: later + sessions.GRACE_MS + 1)
        assert (await client.get("/v1/session")).status_code == 401
        fresh = await client.get("/v1/session", headers={"Cookie": cookie})
        assert fresh.status_code == 200


async def test_a_watched_search_cannot_hide_from_the_record(here: Api) -> None:
    body = {"filters": [{"field": "outcome", "value": "denied"}], "live": True}
    before = len(await here.records(event_type="audit.search"))
    async with here.bearing(here.reader) as client:
        for _ in range(3):
            assert (await client.post("/v1/records/search", json=body)).status_code == 200
        assert len(await here.records(event_type="audit.search")) == before + 1
        other = body | {"filters": [{"field": "outcome", "value": "ok"}]}
        assert (await client.post("/v1/records/search", json=other)).status_code == 200
    assert len(await here.records(event_type="audit.search")) == before + 2


@pytest.mark.parametrize(
    ("path", "event_type", "resource"),
    [
        ("/v1/records/{stream}/0", "data.access", "record"),
        ("/v1/records/{stream}/0/proof", "data.access", "proof"),
        ("/v1/streams/{stream}/lines?end=1", "audit.export", "stream"),
    ],
)
async def test_whoever_sees_a_record_is_recorded(
    here: Api, path: str, event_type: str, resource: str
) -> None:
    wanted = {"event_type": event_type, "resource_type": resource}
    before = len(await here.records(**wanted))
    async with here.bearing(here.reader) as client:
        answer = await client.get(path.replace("{stream}", await here.stream(MINE)))
    assert answer.status_code == 200
    found = await here.records(**wanted)
    assert len(found) == before + 1
    assert found[-1]["source_ip"].startswith("p_")


async def post_endless(client: httpx.AsyncClient) -> tuple[httpx.Response, int]:
    """Post a batch that does not end; return the answer and how many octets were taken."""
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 2**16
            yield bytes(2**16)

    return await client.post("/v1/events", content=endless()), taken


async def test_a_batch_that_is_too_long_is_refused_while_it_arrives(here: Api) -> None:
    async with here.bearing(here.producer) as client:
        answer, taken = await post_endless(client)
    assert (answer.status_code, answer.json()["code"]) == (413, "batch-too-large")
    assert taken <= MAX_BODY_OCTETS + 2**17


async def test_a_strangers_batch_is_not_read(here: Api) -> None:
    async with here.bearing("ark_" + "A" * 43) as client:
        answer, taken = await post_endless(client)
    assert answer.status_code == 401
    assert taken <= 2**17


async def test_the_state_shows_what_lags(here: Api) -> None:
    async with here.bearing(here.reader) as client:
        state = (await client.get("/v1/status")).json()
        metrics = (await client.get("/v1/metrics")).text
    assert state["healthy"] is True
    assert state["lag"].keys() == {
        "octets_under_way",
        "unlisted_records",
        "unsealed_octets",
        "unsealed_records",
    }
    assert state["lag"]["unsealed_records"] > 0
    assert "auditroll_up 1\n" in metrics
