"""Pseudonyms: random, durable, one for each identity, gone when erased."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditroll.errors import CollectorError, IntegrityError, PolicyError
from auditroll.event import Envelope
from auditroll.keys import KeyStore
from auditroll.vault import assign
from auditroll.vault.assign import Keyring, Use, Vault, Wanted
from auditroll.vault.database import open_vault
from auditroll.vault.reveal import Revealed, reveal
from auditroll.wire.envelope import LookupKey, seal_identity

pytestmark = pytest.mark.anyio

DAY_MS = assign.DAY_MS
PERSON = "jane.doe@example.com"


class Clock:
    """Time that tests move."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(assign, "now_ms", clock)
    return clock


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    opened = open_here(tmp_path)
    yield opened
    opened.close()


def open_here(folder: Path) -> Vault:
    vault = Vault.open(folder / "vault", KeyStore(folder / "keys"))
    for tenant in ("clinic", "lab"):
        vault.keyring.provision(tenant)
    return vault


def sealed(vault: Vault, namespace: str, identity: str, tenant: str = "clinic") -> Envelope:
    epoch_id, public = vault.keyring.epoch_public(tenant)
    key = LookupKey(vault.keyring.current(tenant, Use.LOOKUP).octets)
    return seal_identity(public, epoch_id, key, tenant, namespace, identity)


async def ask(
    vault: Vault, *people: str, namespace: str = "user", tenant: str = "clinic"
) -> list[str | None]:
    wanted = [Wanted(namespace, sealed(vault, namespace, who, tenant)) for who in people]
    return await vault.resolve(tenant, wanted)


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "vault" / "vault.db") as connection:
        return connection.execute(query).fetchall()


async def test_one_identity_has_one_pseudonym(vault: Vault) -> None:
    first, second, third = await ask(vault, PERSON, "bob", PERSON)
    (again,) = await ask(vault, PERSON)

    assert first == third == again
    assert first != second
    assert first is not None
    assert first.startswith("p_")
    assert len(first) == 34


async def test_a_known_identity_is_in_memory_and_only_for_its_namespace_and_tenant(
    vault: Vault,
) -> None:
    envelope = sealed(vault, "user", PERSON)
    assert vault.known("clinic", "user").get(envelope.l) is None
    (pseudonym,) = await vault.resolve("clinic", [Wanted("user", envelope)])

    assert vault.known("clinic", "user").get(envelope.l) == pseudonym
    assert vault.known("clinic", "ip").get(envelope.l) is None
    assert vault.known("lab", "user").get(envelope.l) is None


async def test_tenants_and_namespaces_are_not_linked(vault: Vault) -> None:
    answers = [
        *await ask(vault, PERSON),
        *await ask(vault, PERSON, tenant="lab"),
        *await ask(vault, PERSON, namespace="entity"),
    ]
    assert len(set(answers)) == 3


async def test_pseudonyms_survive_a_restart(tmp_path: Path) -> None:
    before = open_here(tmp_path)
    answers = await ask(before, PERSON, "bob")
    before.close()
    after = open_here(tmp_path)
    assert await ask(after, PERSON, "bob") == answers
    after.close()


async def test_no_identity_is_readable_in_the_folder(vault: Vault, tmp_path: Path) -> None:
    await ask(vault, PERSON)
    written = b"".join(path.read_bytes() for path in (tmp_path / "vault").iterdir())
    assert PERSON.encode() not in written
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "vault").iterdir()} == {0o600}


@pytest.mark.parametrize("what", ["lookup", "ciphertext", "epoch", "namespace", "form", "tenant"])
async def test_an_envelope_must_open_to_what_its_lookup_names(vault: Vault, what: str) -> None:
    good, other = sealed(vault, "user", PERSON), sealed(vault, "user", "bob")
    strange = sealed(vault, "user", PERSON, "lab")
    bad = {
        "lookup": Envelope(c=good.c, e=good.e, l=other.l),
        "ciphertext": Envelope(c="AAAA", e=good.e, l=good.l),
        "epoch": Envelope(c=good.c, e="vault-epoch-0", l=good.l),
        "namespace": sealed(vault, "ip", "10.0.0.1"),
        "form": Envelope(c=good.c, e=good.e, l=good.l.upper()),
        "tenant": strange,
    }[what]
    third = sealed(vault, "user", "eve")
    answers = await vault.resolve("clinic", [Wanted("user", bad), Wanted("user", third)])
    assert answers[0] is None
    assert answers[1] is not None


async def test_a_known_lookup_is_refused_in_another_namespace(vault: Vault) -> None:
    envelope = sealed(vault, "user", PERSON)
    await vault.resolve("clinic", [Wanted("user", envelope)])
    assert await vault.resolve("clinic", [Wanted("ip", envelope)]) == [None]


async def test_concurrent_requests_agree(vault: Vault) -> None:
    people = [f"person-{number}" for number in range(20)]
    answers = await asyncio.gather(*(ask(vault, *people) for _ in range(10)))
    assert all(answer == answers[0] for answer in answers)
    assert len(set(answers[0])) == 20


async def test_an_abandoned_request_does_not_hold_up_others(vault: Vault) -> None:
    request = asyncio.create_task(ask(vault, PERSON))
    await asyncio.sleep(0)
    request.cancel()
    assert (await ask(vault, "bob"))[0] is not None


async def test_bindings_wait_until_they_are_announced(tmp_path: Path) -> None:
    before = open_here(tmp_path)
    await ask(before, PERSON, "bob")
    await ask(before, PERSON)
    await ask(before, PERSON, tenant="lab")
    before.close()

    after = open_here(tmp_path)
    clinic, lab = await after.unannounced()
    assert (clinic.tenant, len(clinic.bindings)) == ("clinic", 2)
    assert (lab.tenant, len(lab.bindings)) == ("lab", 1)
    await after.announced(clinic.numbers)
    assert [waiting.tenant for waiting in await after.unannounced()] == ["lab"]
    after.close()


async def test_no_fact_gets_more_bindings_than_it_may_hold(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assign, "MAX_BINDINGS", 3)
    await ask(vault, *(f"person-{number}" for number in range(4)))
    (first,) = await vault.unannounced()
    await vault.announced(first.numbers)
    (second,) = await vault.unannounced()
    assert (len(first.bindings), len(second.bindings)) == (3, 1)


async def test_the_binding_is_the_one_the_row_reveals(vault: Vault, tmp_path: Path) -> None:
    (pseudonym,) = await ask(vault, PERSON)
    (waiting,) = await vault.unannounced()
    assert pseudonym is not None

    with open_vault(tmp_path / "vault") as connection:
        found = reveal(connection, vault.keyring, "clinic", pseudonym)
        assert found == Revealed("user", PERSON, waiting.bindings[0])
        assert reveal(connection, vault.keyring, "lab", pseudonym) is None
        assert reveal(connection, vault.keyring, "clinic", "p_" + "0" * 32) is None


async def test_an_exchanged_row_does_not_reveal(vault: Vault, tmp_path: Path) -> None:
    jane, bob = await ask(vault, PERSON, "bob")
    assert jane is not None
    assert bob is not None
    with open_vault(tmp_path / "vault") as connection:
        one, two = (
            connection.execute(
                "SELECT nonce, sealed FROM mapping WHERE pseudonym = ?", (bytes.fromhex(who[2:]),)
            ).fetchone()
            for who in (jane, bob)
        )
        for content, who in ((two, jane), (one, bob)):
            connection.execute(
                "UPDATE mapping SET nonce = ?, sealed = ? WHERE pseudonym = ?",
                (*content, bytes.fromhex(who[2:])),
            )
        with pytest.raises(IntegrityError) as found:
            reveal(connection, vault.keyring, "clinic", jane)
    assert found.value.code == "vault-row"


async def test_the_day_of_use_is_noted_once_a_day(
    vault: Vault, tmp_path: Path, clock: Clock
) -> None:
    query = "SELECT created / 86400000, last_used_day FROM mapping"
    envelope = sealed(vault, "user", PERSON)
    await vault.resolve("clinic", [Wanted("user", envelope)])
    day = clock.now // DAY_MS
    assert rows(tmp_path, query) == [(day, day)]

    clock.now += DAY_MS
    assert vault.known("clinic", "user").get(envelope.l) is None
    await vault.resolve("clinic", [Wanted("user", envelope)])
    assert rows(tmp_path, query) == [(day, day + 1)]
    assert vault.known("clinic", "user").get(envelope.l) is not None


async def test_an_erased_person_cannot_be_linked_any_more(
    vault: Vault, tmp_path: Path, clock: Clock
) -> None:
    envelope = sealed(vault, "user", PERSON)
    wanted = [Wanted("user", envelope)]
    (before,) = await vault.resolve("clinic", wanted)
    erased = await vault.erase("clinic", [envelope.l, "0" * 64], until=clock.now + DAY_MS)

    assert (erased.rows, erased.tombstones) == (1, 2)
    assert vault.known("clinic", "user").get(envelope.l) is None
    late = [await vault.resolve("clinic", wanted) for _ in range(2)]
    assert len({before, late[0][0], late[1][0]}) == 3
    assert rows(tmp_path, "SELECT count(*) FROM mapping") == [(0,)]
    assert vault.known("clinic", "user").get(envelope.l) is None

    clock.now += 2 * DAY_MS
    returned = await vault.resolve("clinic", wanted)
    assert returned == await vault.resolve("clinic", wanted)


async def test_an_erased_rows_octets_are_gone_from_the_files(
    vault: Vault, tmp_path: Path, clock: Clock
) -> None:
    (pseudonym,) = await ask(vault, PERSON)
    assert pseudonym is not None
    needle = bytes.fromhex(pseudonym[2:])
    files = list((tmp_path / "vault").iterdir())
    assert any(needle in path.read_bytes() for path in files)
    await vault.erase("clinic", [sealed(vault, "user", PERSON).l], until=clock.now)
    assert not any(needle in path.read_bytes() for path in files)


async def test_a_tenant_without_keys_gets_nothing(vault: Vault) -> None:
    envelope = sealed(vault, "user", PERSON)
    assert await vault.resolve("nobody", [Wanted("user", envelope)]) == [None]
    with pytest.raises(CollectorError) as refused:
        vault.keyring.epoch_public("nobody")
    assert refused.value.code == "key-unknown"


async def test_old_envelopes_open_until_their_key_is_destroyed(
    vault: Vault, tmp_path: Path
) -> None:
    old = sealed(vault, "user", PERSON)
    newer = vault.keyring.rotate("clinic", Use.EPOCH)
    assert sealed(vault, "user", PERSON).e == newer.id
    other = sealed(vault, "user", "bob")

    assert await vault.resolve("clinic", [Wanted("user", old)]) != [None]
    store = KeyStore(tmp_path / "keys")
    store.destroy(other.e)
    keyring = Keyring(open_vault(tmp_path / "vault"), store)
    assert keyring.find("clinic", Use.EPOCH, other.e) is None
    assert keyring.current("clinic", Use.EPOCH).id == old.e
    keyring.close()


async def test_a_disk_that_refuses_fails_every_waiter(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_self: object, _wanted: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr("auditroll.vault.assignment.Assignment.run", broken)
        with pytest.raises(CollectorError) as refused:
            await ask(vault, PERSON)
    assert (refused.value.code, refused.value.status) == ("vault-unavailable", 503)
    assert (await ask(vault, PERSON))[0] is not None


async def test_a_commit_that_fails_is_undone_for_the_whole_group(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = "auditroll.vault.assignment.Assignment._insert"

    def broken(*_arguments: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        first = asyncio.create_task(ask(vault, PERSON))
        await asyncio.sleep(0)
        patched.setattr(insert, broken)
        second = asyncio.create_task(ask(vault, "bob"))
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert any(isinstance(outcome, CollectorError) for outcome in outcomes)
    kept = [outcome for outcome in outcomes if isinstance(outcome, list)]
    assert rows(tmp_path, "SELECT count(*) FROM mapping") == [(len(kept),)]


def test_a_newer_vault_is_refused(tmp_path: Path) -> None:
    connection = open_vault(tmp_path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(PolicyError) as refused:
        open_vault(tmp_path)
    assert refused.value.code == "schema-version"
