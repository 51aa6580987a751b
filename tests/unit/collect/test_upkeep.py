"""What the ledger is told: bindings, holes, silence, epochs that nobody closed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from auditroll.clock import now_ms
from auditroll.collect import findings as module
from auditroll.collect.findings import HOLE_AFTER_MS, SILENT_AFTER_MS
from tests.unit.collect.support import EPOCH, Installation, event, events
from tests.unit.collect.test_collector import closing, opening

pytestmark = pytest.mark.anyio

NEXT = "e" * 32


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    yield installation
    installation.close()


def gaps(here: Installation) -> list[tuple[object, ...]]:
    return [
        (fact["gap_kind"], fact["ranges"], fact["resolved"]) for fact in here.facts("ledger.gap")
    ]


async def test_new_pseudonyms_are_bound_in_the_ledger(here: Installation) -> None:
    key = here.producer()
    people = [here.envelope("user", f"person-{number}") for number in (1, 2, 1)]
    await here.send(key, [event(seq, user_id=who) for seq, who in enumerate(people)])
    await here.upkeep.tick(now_ms())
    await here.upkeep.tick(now_ms())

    (fact,) = here.facts("vault.binding")
    assert len(fact["bindings"]) == 2
    assert fact["tenant_id"] == "clinic"
    assert await here.vault.unannounced() == []
    assert len({record["user_id"] for record in here.records()}) == 2


async def test_a_hole_is_told_when_it_lasts_and_again_when_it_is_filled(
    here: Installation,
) -> None:
    key, now = here.producer(), now_ms()
    await here.send(key, events(2))
    await here.send(key, events(2, first=5), first=5)
    await here.upkeep.tick(now)
    assert gaps(here) == []

    await here.upkeep.tick(now + HOLE_AFTER_MS)
    await here.upkeep.tick(now + 2 * HOLE_AFTER_MS)
    assert gaps(here) == [("hole", [[2, 4]], False)]
    (fact,) = here.facts("ledger.gap")
    assert (fact["gap_producer_id"], fact["gap_epoch"]) == ("api", EPOCH)

    await here.send(key, [event(3)], first=3)
    await here.upkeep.tick(now + 3 * HOLE_AFTER_MS)
    assert len(gaps(here)) == 1
    await here.send(key, events(3, first=2), first=2)
    await here.upkeep.tick(now + 3 * HOLE_AFTER_MS)
    assert gaps(here)[1:] == [("hole", [[2, 4]], True)]
    assert here.findings.open() == []


async def test_a_hole_that_heals_in_time_is_no_finding(here: Installation) -> None:
    key, now = here.producer(), now_ms()
    await here.send(key, events(2, first=5), first=5)
    await here.upkeep.tick(now)
    await here.send(key, events(5))
    await here.upkeep.tick(now + HOLE_AFTER_MS)
    assert gaps(here) == []


async def test_a_close_tells_its_holes_at_once(here: Installation) -> None:
    key = here.producer()
    await here.send(key, [opening(), event(1)])
    await here.send(key, [closing(9)], first=9)
    await here.upkeep.tick(now_ms())
    assert gaps(here) == [("hole", [[2, 8]], False)]


async def test_a_silent_producer_is_told_and_heard_again(here: Installation) -> None:
    key, now = here.producer(), now_ms()
    await here.send(key, [opening(), event(1)])
    await here.upkeep.tick(now + SILENT_AFTER_MS - 1000)
    assert gaps(here) == []
    await here.upkeep.tick(now + SILENT_AFTER_MS + 1000)
    assert gaps(here) == [("silent", [[2, 2]], False)]

    await here.send(key, [event(2)], first=2)
    await here.upkeep.tick(now_ms())
    assert gaps(here)[1:] == [("silent", [[2, 2]], True)]


async def test_neither_closed_nor_unannounced_nor_file_epochs_are_silent(
    here: Installation,
) -> None:
    one, two, three = (here.producer(name) for name in ("one", "two", "three"))
    await here.send(one, [opening(), closing(1)])
    await here.send(two, events(2))
    await here.send(three, events(2), prefix_sha256="a" * 64)
    await here.upkeep.tick(now_ms() + 10 * SILENT_AFTER_MS)
    assert gaps(here) == []


async def test_an_epoch_with_a_successor_must_be_closed(here: Installation) -> None:
    key, now = here.producer(), now_ms()
    await here.send(key, [opening(), event(1)])
    successor = opening(producer_epoch=NEXT, previous_epoch=EPOCH)
    await here.send(key, [successor], epoch=NEXT)
    await here.upkeep.tick(now)
    assert gaps(here) == []
    await here.upkeep.tick(now + HOLE_AFTER_MS + 1000)
    assert gaps(here) == [("unclosed", [[2, 2]], False)]

    await here.send(key, [closing(2)], first=2)
    await here.upkeep.tick(now + HOLE_AFTER_MS + 1000)
    assert gaps(here)[1:] == [("unclosed", [[2, 2]], True)]


async def test_findings_survive_a_restart(tmp_path: Path) -> None:
    before, now = Installation(tmp_path), now_ms()
    key = before.producer()
    await before.send(key, [opening()])
    await before.send(key, events(2, first=5), first=5)
    await before.upkeep.tick(now)
    await before.upkeep.tick(now + HOLE_AFTER_MS)
    before.close()

    after = await Installation(tmp_path).start()
    await after.upkeep.tick(now + 2 * HOLE_AFTER_MS)
    assert gaps(after) == [("hole", [[1, 4]], False)]
    await after.send(key, events(4, first=1), first=1)
    await after.upkeep.tick(now + 2 * HOLE_AFTER_MS)
    assert gaps(after)[1:] == [("hole", [[1, 4]], True)]
    after.close()


async def test_many_holes_are_told_in_several_facts(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditroll.collect.upkeep.MAX_RANGES", 2)
    monkeypatch.setattr(module, "HOLE_AFTER_MS", 0)
    key = here.producer()
    for seq in (1, 3, 5):
        await here.send(key, [event(seq)], first=seq)
    await here.upkeep.tick(now_ms())
    assert gaps(here) == [("hole", [[0, 0], [2, 2]], False), ("hole", [[4, 4]], False)]


async def test_a_restart_does_not_make_a_silent_producer_heard(tmp_path: Path) -> None:
    before, now = Installation(tmp_path), now_ms()
    key = before.producer()
    await before.send(key, [opening(), event(1)])
    await before.upkeep.tick(now + SILENT_AFTER_MS + 1000)
    before.close()

    after = await Installation(tmp_path).start()
    await after.upkeep.tick(now_ms())
    assert gaps(after) == [("silent", [[2, 2]], False)]
    await after.send(key, [event(2)], first=2)
    await after.upkeep.tick(now_ms())
    assert gaps(after)[1:] == [("silent", [[2, 2]], True)]
    after.close()


async def test_only_epochs_that_may_fail_are_looked_at(here: Installation) -> None:
    one, two, three, four = (here.producer(name) for name in ("one", "two", "three", "four"))
    await here.send(one, events(3))
    await here.send(two, [opening(), closing(1)])
    await here.send(three, [opening()])
    await here.send(four, events(2, first=1), first=1)
    await here.upkeep.tick(now_ms())
    watched = {epoch.producer for epoch in here.collector.epochs.watched()}
    assert watched == {"three", "four"}

    await here.send(four, [event(0)])
    await here.send(one, [event(3)], first=3)
    assert len(here.collector.epochs.watched()) == 3
    await here.upkeep.tick(now_ms())
    assert {epoch.producer for epoch in here.collector.epochs.watched()} == {"three"}
