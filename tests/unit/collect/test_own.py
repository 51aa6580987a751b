"""The collector's own events."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from auditroll.access import Principal, Role
from auditroll.errors import CollectorError
from tests.unit.collect.support import Installation

pytestmark = pytest.mark.anyio

PASSWORD = "a long enough pass phrase"
RUTH = Principal(id="1", name="mrs-ruth", tenant="clinic", role=Role.AUDITOR, auth_method="bearer")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    yield installation
    installation.close()


async def test_a_search_is_a_record_of_the_system_class(here: Installation) -> None:
    await here.own.record(
        RUTH, "audit.search", "READ", resource="record", address="192.0.2.7", resource_count=3
    )
    await here.own.record(RUTH, "audit.export", "EXPORT", resource="bundle")

    search, export = here.records("system")
    assert search["event_type"] == "audit.search"
    assert (search["producer_id"], search["service_name"]) == ("auditroll", "auditroll")
    assert (search["user_role"], search["auth_method"]) == ("auditor", "bearer")
    assert (search["outcome"], search["success"], search["resource_count"]) == ("ok", True, 3)
    assert search["source_ip"].startswith("p_")
    assert export["user_id"] == search["user_id"]
    assert (search["producer_seq"], export["producer_seq"]) == (0, 1)


async def test_nobody_is_named_in_clear(here: Installation) -> None:
    await here.own.record(RUTH, "audit.search", "READ")
    (record,) = here.records("system")
    assert record["user_id"].startswith("p_")
    assert "ruth" not in str(record)


async def test_a_refused_sign_in_names_a_known_account_only(here: Installation) -> None:
    code = here.control.accounts.open_enrolment("clinic")
    here.control.accounts.enrol(code, "ada", PASSWORD)
    await here.own.login_failed("ada", "unauthenticated")
    await here.own.login_failed("my password, by mistake", "unauthenticated")

    known, unknown = here.records("system")
    assert known["user_id"].startswith("p_")
    assert unknown["user_id"] == "anonymous"
    assert (unknown["outcome"], unknown["success"]) == ("denied", False)
    assert unknown["error_code"] == "unauthenticated"


async def test_an_action_whose_record_fails_must_not_go_on(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_frames: list[bytes]) -> None:
        raise CollectorError("journal-failed", "disk full")

    with monkeypatch.context() as patched:
        patched.setattr(here.log, "append", full)
        with pytest.raises(CollectorError):
            await here.own.record(RUTH, "audit.search", "READ")
    with pytest.raises(CollectorError) as refused:
        await here.own.record(RUTH, "audit.search", "NOT AN ACTION")
    assert refused.value.code == "own-event-refused"
    await here.own.record(RUTH, "audit.search", "READ")
    (record,) = here.records("system")
    assert record["producer_seq"] == 1


async def test_an_outside_producer_may_not_use_the_name(here: Installation) -> None:
    await here.own.record(RUTH, "audit.search", "READ")
    assert [known.producer for known in here.control.producers.list()] == []
