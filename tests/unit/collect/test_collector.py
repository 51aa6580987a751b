"""Batches through a real log: answers, exactly once, epochs."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditroll.access import Tenant
from auditroll.collect import Room
from auditroll.collect.lines import encode_event
from auditroll.errors import AccessError, CollectorError, ProducerError
from auditroll.event import Envelope, Event
from tests.unit.collect.support import EPOCH, PERSONAL, Installation, event, events

pytestmark = pytest.mark.anyio

OTHER = "f" * 32


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    yield installation
    installation.close()


@pytest.fixture
def key(here: Installation) -> str:
    return here.producer()


def opening(seq: int = 0, **fields: object) -> Event:
    return event(seq, event_type="producer.open", action_type="EXECUTE", mode="durable", **fields)


def closing(seq: int) -> Event:
    counters = {"last_seq": seq - 1, "seen": seq, "written": seq, "dropped": 0}
    return event(seq, event_type="producer.close", action_type="EXECUTE", **counters)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'"latency_ms":9007199254740992', "range"),
        (b'"ext":{"a":[[[[[[[[1]]]]]]]]}', "depth"),
        (b'"latency_ms":-1', "grammar"),
    ],
)
async def test_the_parsers_code_is_told_whichever_way_a_line_is_read(
    here: Installation, key: str, line: bytes, code: str
) -> None:
    here.control.tenants.configure(
        Tenant(tenant="clinic", personal_types=PERSONAL, ext_fields=frozenset({"a"}))
    )
    bad = encode_event(event(0, latency_ms=12)).replace(b'"latency_ms":12', line)
    if line.startswith(b'"ext"'):
        bad = b"{" + line + b"," + encode_event(event(0))[1:]
    spaced = bad.replace(b"{", b"{ ", 1).replace(EPOCH.encode(), OTHER.encode())
    for epoch, sent in ((EPOCH, bad), (OTHER, spaced)):
        answer = await here.send(key, [sent], epoch=epoch)
        assert [found.code for found in answer.results] == [code]


async def test_a_batch_is_recorded_and_answered(here: Installation, key: str) -> None:
    answer = await here.send(key, events(3))

    assert (answer.accepted, answer.duplicates, answer.quarantined) == (3, 0, 0)
    assert answer.results == []
    assert (answer.durable_through, answer.archived_through) == (2, 2)
    assert answer.root_checkpoint.startswith("test.example/")
    stored = here.records()
    assert [record["producer_seq"] for record in stored] == [0, 1, 2]
    for record in stored:
        assert record["tenant_id"] == "clinic"
        assert record["producer_id"] == "api"
        assert record["data_class"] == "standard"
        assert "clock_skew" not in record


async def test_one_bad_line_of_a_hundred_is_quarantined(here: Installation, key: str) -> None:
    """Case S3."""
    lines: list[Event | bytes] = list(events(100))
    lines[57] = event(57, status_code=999)
    answer = await here.send(key, lines)

    assert (answer.accepted, answer.quarantined) == (99, 1)
    assert [(found.seq, found.result, found.code) for found in answer.results] == [
        (57, "quarantined", "grammar")
    ]
    assert answer.durable_through == 99
    assert len(here.records()) == 99


async def test_a_batch_sent_three_times_cut_differently_is_stored_once(
    here: Installation, key: str
) -> None:
    """Case S2."""
    await here.send(key, events(10))
    again = await here.send(key, events(10))
    head = await here.send(key, events(4))
    tail = await here.send(key, events(9, first=6), first=6)

    assert (again.accepted, again.duplicates) == (0, 10)
    assert [found.result for found in again.results] == ["duplicate"] * 10
    assert (head.accepted, head.duplicates) == (0, 4)
    assert (tail.accepted, tail.duplicates) == (5, 4)
    assert tail.durable_through == 14
    assert [record["producer_seq"] for record in here.records()] == list(range(15))


async def test_a_batch_sent_twice_at_once_is_stored_once(here: Installation, key: str) -> None:
    answers = await asyncio.gather(*(here.send(key, events(20)) for _ in range(5)))

    assert sum(answer.accepted for answer in answers) == 20
    assert sum(answer.duplicates for answer in answers) == 80
    assert len(here.records()) == 20


async def test_a_restart_knows_what_was_received(tmp_path: Path) -> None:
    before = Installation(tmp_path)
    key = before.producer()
    await before.send(key, [*events(5), b"not json"])
    before.close()
    after = await Installation(tmp_path).start()
    answer = await after.send(key, events(8))
    after.close()

    assert (answer.accepted, answer.duplicates) == (2, 6)
    assert answer.durable_through == 7


async def test_equal_event_ids_are_both_kept(here: Installation, key: str) -> None:
    """Case L10."""
    first = event(0)
    await here.send(key, [first, event(1, event_id=first.event_id)])
    assert len({record["event_id"] for record in here.records()}) == 1
    assert len(here.records()) == 2


async def test_a_duplicate_with_other_content_leaves_the_first(
    here: Installation, key: str
) -> None:
    await here.send(key, [event(0, latency_ms=1)])
    answer = await here.send(key, [event(0, latency_ms=2)])
    assert answer.duplicates == 1
    assert [record["latency_ms"] for record in here.records()] == [1]


async def test_epochs_and_producers_number_for_themselves(here: Installation, key: str) -> None:
    other = here.producer("worker")
    await here.send(key, events(2))
    await here.send(key, events(2, producer_epoch=OTHER), epoch=OTHER)
    await here.send(other, events(2))
    assert len(here.records()) == 6


async def test_batches_may_overtake_one_another(here: Installation, key: str) -> None:
    late = await here.send(key, events(2, first=5), first=5)
    assert (late.accepted, late.durable_through) == (2, -1)
    filled = await here.send(key, events(5))
    assert filled.durable_through == 6


async def test_a_batch_of_bad_lines_only_is_received(here: Installation, key: str) -> None:
    answer = await here.send(key, [b"{", b"[]"])
    assert [found.code for found in answer.results] == ["syntax", "toplevel"]
    assert answer.durable_through == 1
    assert (await here.send(key, events(2))).duplicates == 2


async def test_unknown_producers_are_refused_before_anything_else(here: Installation) -> None:
    with pytest.raises(AccessError) as refused:
        await here.collector.ingest("ark_nothing", {}, b"")
    assert refused.value.status == 401


async def test_fields_of_the_collector_are_never_taken_from_a_line(
    here: Installation, key: str
) -> None:
    lines = [
        event(0, tenant_id="other"),
        event(1, producer_id="other", data_class="system", clock_skew=True, note="x"),
    ]
    answer = await here.send(key, lines)
    assert answer.accepted == 2
    one, two = here.records()
    assert (one["tenant_id"], one["dropped_fields"]) == ("clinic", 1)
    assert (two["producer_id"], two["data_class"], two["dropped_fields"]) == ("api", "standard", 4)
    assert "clock_skew" not in two
    assert "note" not in two


async def test_a_line_of_another_place_or_service_is_quarantined(
    here: Installation, key: str
) -> None:
    lines = [event(0, service_name="billing"), event(7), event(2, producer_epoch=OTHER), event(3)]
    answer = await here.send(key, lines)
    codes = {found.seq: found.code for found in answer.results}
    assert codes == {0: "consistency", 1: "seq", 2: "seq"}
    assert answer.accepted == 1


async def test_a_producers_clock_is_flagged_not_believed(here: Installation, key: str) -> None:
    await here.send(key, [event(0, timestamp="2020-01-01T00:00:00.000Z"), event(1)])
    old, new = here.records()
    assert old["clock_skew"] is True
    assert "clock_skew" not in new
    assert old["received_at"] == new["received_at"]


async def test_producer_records_go_to_the_system_class(here: Installation, key: str) -> None:
    await here.send(key, [opening(), event(1), closing(2)])
    kinds = [record["event_type"] for record in here.records("system")]
    assert kinds == ["producer.open", "producer.close"]
    assert [record["event_type"] for record in here.records()] == ["http.request"]


async def test_nothing_may_follow_a_close_but_repetitions(here: Installation, key: str) -> None:
    await here.send(key, [opening(), event(1), closing(2)])
    with pytest.raises(ProducerError) as refused:
        await here.send(key, [event(3)], first=3)
    assert (refused.value.code, refused.value.status) == ("epoch-closed", 409)
    assert refused.value.details == {"durable_through": 2}
    assert (await here.send(key, [event(1), closing(2)], first=1)).duplicates == 2


async def test_a_hole_before_a_close_may_still_be_filled(here: Installation, key: str) -> None:
    await here.send(key, [opening(), event(1)])
    await here.send(key, [closing(4)], first=4)
    filled = await here.send(key, events(2, first=2), first=2)
    assert (filled.accepted, filled.durable_through) == (2, 4)


async def test_a_close_survives_a_restart(tmp_path: Path) -> None:
    before = Installation(tmp_path)
    key = before.producer()
    await before.send(key, [opening(), closing(1)])
    before.close()
    after = await Installation(tmp_path).start()
    with pytest.raises(ProducerError):
        await after.send(key, [event(2)], first=2)
    state = await after.collector.epoch(key, EPOCH)
    after.close()
    assert (state.closed, state.durable_through) == (True, 1)


async def test_a_close_that_a_crash_hid_is_learnt_from_the_repetition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Installation(tmp_path)
    key = before.producer()

    def crash(_values: object) -> None:
        raise OSError("power")

    monkeypatch.setattr(before.collector.epochs, "_upsert", crash)
    with pytest.raises(OSError, match="power"):
        await before.send(key, [opening(), closing(1)])
    before.close()
    after = await Installation(tmp_path).start()
    assert not (await after.collector.epoch(key, EPOCH)).closed
    assert (await after.send(key, [opening(), closing(1)])).duplicates == 2
    assert (await after.collector.epoch(key, EPOCH)).closed
    after.close()


async def test_an_unknown_epoch_has_received_nothing(here: Installation, key: str) -> None:
    state = await here.collector.epoch(key, OTHER)
    assert state.encode() == b'{"archived_through":-1,"closed":false,"durable_through":-1}'


async def test_a_files_lines_must_come_in_order(here: Installation, key: str) -> None:
    with pytest.raises(ProducerError) as gap:
        await here.send(key, events(2, first=3), first=3, prefix_sha256="a" * 64)
    assert (gap.value.code, gap.value.status) == ("seq-gap", 409)
    assert gap.value.details == {"durable_through": -1}

    await here.send(key, events(2), prefix_sha256="a" * 64)
    await here.send(key, events(3, first=1), first=1, prefix_sha256="b" * 64)
    state = await here.collector.epoch(key, EPOCH)
    assert (state.durable_through, state.prefix_sha256) == (3, "b" * 64)


async def test_a_files_prefix_always_belongs_to_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Installation(tmp_path)
    key = before.producer()
    await before.send(key, events(2), prefix_sha256="a" * 64)

    def crash(_values: object) -> None:
        raise OSError("power")

    monkeypatch.setattr(before.collector.epochs, "_upsert", crash)
    with pytest.raises(OSError, match="power"):
        await before.send(key, events(2, first=2), first=2, prefix_sha256="b" * 64)
    before.close()

    after = await Installation(tmp_path).start()
    state = await after.collector.epoch(key, EPOCH)
    assert (state.durable_through, state.prefix_sha256) == (1, "a" * 64)
    again = await after.send(key, events(3, first=2), first=2, prefix_sha256="c" * 64)
    assert (again.accepted, again.duplicates, again.durable_through) == (1, 2, 4)
    assert len(after.records()) == 5
    after.close()


async def test_a_failed_append_leaves_nothing_received(
    here: Installation, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_frames: list[bytes]) -> None:
        raise CollectorError("journal-failed", "disk full")

    with monkeypatch.context() as patched:
        patched.setattr(here.log, "append", full)
        with pytest.raises(CollectorError):
            await here.send(key, events(3))
    assert (await here.send(key, events(3))).accepted == 3


async def test_a_caller_that_goes_away_does_not_undo_the_append(
    here: Installation, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, proceed = asyncio.Event(), asyncio.Event()
    append = here.log.append

    async def slow(frames: list[bytes]) -> object:
        reached.set()
        await proceed.wait()
        return await append(frames)

    monkeypatch.setattr(here.log, "append", slow)
    request = asyncio.create_task(here.send(key, events(3)))
    await reached.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    proceed.set()
    await here.collector.stop()

    assert (await here.send(key, events(3))).duplicates == 3
    assert len(here.records()) == 3


async def test_too_much_under_way_is_pushed_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Installation(tmp_path, Room(total=1, each=1))
    one, two = here.producer("one"), here.producer("two")
    reached, hold = asyncio.Event(), asyncio.Event()
    append = here.log.append

    async def slow(frames: list[bytes]) -> object:
        reached.set()
        await hold.wait()
        return await append(frames)

    monkeypatch.setattr(here.log, "append", slow)
    alone = asyncio.create_task(here.send(one, events(3)))
    await reached.wait()
    with pytest.raises(ProducerError) as mine:
        await here.send(one, events(3), epoch=OTHER)
    with pytest.raises(CollectorError) as everybodys:
        await here.send(two, events(3))
    hold.set()

    assert (await alone).accepted == 3
    assert (mine.value.status, mine.value.details) == (429, {"retry_after": 1})
    assert (everybodys.value.status, everybodys.value.details) == (503, {"retry_after": 1})
    assert here.collector.room.held() == 0
    here.close()


async def test_a_failed_first_batch_leaves_no_epoch_behind(here: Installation, key: str) -> None:
    with pytest.raises(ProducerError):
        await here.send(key, events(2, first=3), first=3, prefix_sha256="a" * 64)
    assert list(here.collector.epochs) == []


async def test_a_very_large_batch_becomes_several_frames(
    here: Installation, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditroll.collect.frames.MAX_FRAME_RECORD_OCTETS", 2000)
    answer = await here.send(key, [*events(9), b"{"])
    assert (answer.accepted, answer.durable_through) == (9, 9)
    assert here.log.appended > 2
    assert len(here.records()) == 9


async def test_persons_become_pseudonyms_wherever_they_stand(here: Installation, key: str) -> None:
    patients = [here.envelope("entity", f"patient:{n}", "patient") for n in (1, 2)]
    who = {
        "user_id": here.envelope("user", "jane"),
        "on_behalf_of": here.envelope("user", "bob"),
        "source_ip": here.envelope("ip", "192.0.2.7"),
        "subject_id": patients[0],
        "resource_type": "patient",
    }
    lists = {"resource_ids": patients, "resource_count": 2}
    for first in (0, 20):
        lines = [event(first + n, **who, **lists) for n in range(10)]
        lines += [event(first + 10, **who, resource_id=patients[1])]
        assert (await here.send(key, lines, first)).accepted == 11

    stored = here.records()
    assert len({record["user_id"] for record in stored}) == 1
    assert len({record["source_ip"] for record in stored}) == 1
    one = stored[0]
    assert one["user_id"] != one["on_behalf_of"]
    assert one["resource_ids"][0] == one["subject_id"]
    assert one["resource_ids"][1] == stored[10]["resource_id"]
    assert one["subject_id"].startswith("patient:p_")
    assert not any(name in str(stored) for name in ("jane", "bob", "192.0.2.7", "'c'"))


async def test_a_person_in_clear_or_a_forged_envelope_is_quarantined(
    here: Installation, key: str
) -> None:
    jane, bob = here.envelope("user", "jane"), here.envelope("user", "bob")
    forged = Envelope(c=bob.c, e=bob.e, l=here.envelope("user", "eve").l)
    patient = here.envelope("entity", "patient:1", "patient")
    lines = [
        event(0, user_id="p_" + "0" * 32),
        event(1, user_id=jane),
        event(2, user_id=forged),
        event(3, source_ip="192.0.2.7"),
        event(4, resource_type="patient", resource_id="patient:1"),
        event(5, user_id=patient),
        event(6, subject_id=jane),
        event(7, resource_type="patient", resource_ids=[patient, "patient:2"], resource_count=2),
        event(8, resource_type="invoice", resource_id="invoice:77"),
    ]
    answer = await here.send(key, lines)
    assert {found.seq: found.code for found in answer.results} == dict.fromkeys(
        (0, 2, 3, 4, 5, 6, 7), "identity"
    )
    assert [record["producer_seq"] for record in here.records()] == [1, 8]


async def test_a_list_of_plain_ids_does_not_ask_the_vault(
    here: Installation, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_tenant: str, _wanted: object) -> None:
        raise AssertionError

    monkeypatch.setattr(here.vault, "resolve", never)
    ids = {"resource_type": "invoice", "resource_ids": ["invoice:1"], "resource_count": 1}
    assert (await here.send(key, [event(0, **ids)])).accepted == 1


async def test_extensions_must_be_registered(here: Installation, key: str) -> None:
    here.control.tenants.configure(
        Tenant(
            tenant="clinic",
            ext_fields=frozenset({"ward"}),
            event_types=frozenset({"x.ward.round"}),
            resource_grammars={"invoice": "[0-9]{4}"},
        )
    )
    lines = [
        event(0, ext={"ward": "icu", "mood": "good"}),
        event(1, ext={"mood": "good"}),
        event(2, event_type="x.ward.round"),
        event(3, event_type="x.other"),
        event(4, resource_type="invoice", resource_id="invoice:1234"),
        event(5, resource_type="invoice", resource_id="invoice:12345"),
    ]
    answer = await here.send(key, lines)
    assert {found.seq: found.code for found in answer.results} == {3: "grammar", 5: "grammar"}
    one, two = here.records()[:2]
    assert (one["ext"], one["dropped_fields"]) == ({"ward": "icu"}, 1)
    assert ("ext" in two, two["dropped_fields"]) == (False, 1)


async def test_a_tenants_policy_chooses_the_class(here: Installation, key: str) -> None:
    here.control.tenants.configure(Tenant(tenant="clinic", data_classes={"auth.login": "security"}))
    await here.send(key, [event(0), event(1, event_type="auth.login", action_type="EXECUTE")])
    assert [record["producer_seq"] for record in here.records("security")] == [1]
    assert [record["data_class"] for record in here.records("standard")] == ["standard"]


async def test_personal_data_is_caught_a_second_time(here: Installation, key: str) -> None:
    lines = [
        event(0, user_agent="curl/8 jane.doe@example.com"),
        event(1, upstream_request_id="123-45-6789"),
    ]
    answer = await here.send(key, lines)
    assert [(found.seq, found.code) for found in answer.results] == [(1, "pii")]
    (record,) = here.records()
    assert record["user_agent"] == "curl/8 [REDACTED:EMAIL]"
    assert record["redactions"] == {"EMAIL": 1}
