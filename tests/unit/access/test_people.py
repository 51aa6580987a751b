"""Enrolment, sign-in and sessions."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from auditroll.access import Account, Control, Role, Tenant, accounts, sessions
from auditroll.errors import AccessError, PolicyError

PASSWORD = "a long enough pass phrase"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", lambda: cheap)


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    with Control.open(tmp_path / "control") as opened:
        opened.tenants.create(Tenant(tenant="clinic"))
        yield opened


@pytest.fixture
def admin(control: Control) -> Account:
    return control.accounts.enrol(control.accounts.open_enrolment("clinic"), "ada", PASSWORD)


class Clock:
    """Time that tests move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_800_000_000_000
        for module in (accounts, sessions):
            monkeypatch.setattr(module, "now_ms", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_the_real_parameters_are_argon2id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    parameters = accounts._hasher()
    assert parameters.type.name == "ID"
    assert (parameters.time_cost, parameters.memory_cost) == (3, 65_536)


def test_enrolment_makes_one_administrator(control: Control) -> None:
    assert not control.accounts.any()
    code = control.accounts.open_enrolment("clinic")
    account = control.accounts.enrol(code, "ada", PASSWORD)

    assert (account.role, account.tenant) == (Role.ADMIN, "clinic")
    assert control.accounts.any()
    assert control.accounts.sign_in("ada", PASSWORD) == account
    with pytest.raises(PolicyError) as closed:
        control.accounts.open_enrolment("clinic")
    assert closed.value.code == "already-enrolled"


def test_a_code_may_be_typed_carelessly(control: Control) -> None:
    code = control.accounts.open_enrolment("clinic")
    typed = " " + code.replace("-", " ").lower().replace("0", "o").replace("1", "l")
    assert control.accounts.enrol(typed, "ada", PASSWORD).name == "ada"


def test_a_code_works_once_even_for_two_at_the_same_time(control: Control) -> None:
    code = control.accounts.open_enrolment("clinic")

    def attempt(name: str) -> str:
        try:
            return control.accounts.enrol(code, name, PASSWORD).name
        except (AccessError, PolicyError) as refused:
            return refused.code

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(attempt, ["a", "b", "c", "d"]))
    assert len([result for result in results if len(result) == 1]) == 1


def test_old_and_wrong_codes_are_refused(control: Control, clock: Clock) -> None:
    replaced = control.accounts.open_enrolment("clinic")
    expired = control.accounts.open_enrolment("clinic")
    clock.now += accounts.ENROLMENT_LIFE_MS
    for code in (replaced, expired, "", "00000-00000-00000-00000-00000"):
        with pytest.raises(AccessError) as refused:
            control.accounts.enrol(code, "ada", PASSWORD)
        assert (refused.value.code, refused.value.status) == ("enrolment-code", 401)


def test_a_refused_account_does_not_spend_the_code(control: Control) -> None:
    code = control.accounts.open_enrolment("clinic")
    for name, password in (("ada", "short"), ("A da", PASSWORD), ("ada", "x" * 1025)):
        with pytest.raises(PolicyError) as refused:
            control.accounts.enrol(code, name, password)
        assert refused.value.code == "account-rules"
    assert control.accounts.enrol(code, "ada", PASSWORD)


def test_neither_code_nor_password_is_stored(control: Control, tmp_path: Path) -> None:
    code = control.accounts.open_enrolment("clinic")
    control.accounts.enrol(code, "ada", PASSWORD)
    written = b"".join(path.read_bytes() for path in (tmp_path / "control").iterdir())
    assert code.encode() not in written
    assert PASSWORD.encode() not in written


def test_wrong_names_and_passwords_get_one_answer(control: Control, admin: Account) -> None:
    answers = set()
    for name, password in (("ada", "wrong"), ("bob", PASSWORD), ("ada", "x" * 5000), ("", "")):
        with pytest.raises(AccessError) as refused:
            control.accounts.sign_in(name, password)
        answers.add(str(refused.value))
    assert len(answers) == 1


def test_failures_lock_for_longer_and_longer(
    control: Control, admin: Account, clock: Clock
) -> None:
    for _ in range(accounts.FREE_FAILURES + 1):
        with pytest.raises(AccessError) as refused:
            control.accounts.sign_in("ada", "wrong")
        assert refused.value.status == 401
    with pytest.raises(AccessError) as locked:
        control.accounts.sign_in("ada", PASSWORD)
    assert (locked.value.status, locked.value.details) == (429, {"retry_after": 2})

    clock.now += 2000
    assert control.accounts.sign_in("ada", PASSWORD) == admin
    with pytest.raises(AccessError) as refused:
        control.accounts.sign_in("ada", "wrong")
    assert refused.value.status == 401


def test_hashes_are_renewed_when_parameters_change(
    control: Control, admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", lambda: stronger)
    control.accounts.sign_in("ada", PASSWORD)
    found = control.accounts._row("ada")
    assert found is not None
    assert not stronger.check_needs_rehash(found.password_hash)


def test_a_session_names_its_person(control: Control, admin: Account) -> None:
    session = control.sessions.start(admin)
    assert session.secret is not None
    principal = control.authenticate(session.secret)
    assert (principal.name, principal.role, principal.auth_method) == ("ada", "admin", "session")
    assert control.sessions.authenticate(session.secret).secret is None


def test_tokens_rotate_and_the_old_one_ends_soon(
    control: Control, admin: Account, clock: Clock
) -> None:
    first = control.sessions.start(admin)
    assert first.secret is not None
    clock.now += sessions.ROTATE_AFTER_MS
    second = control.sessions.authenticate(first.secret)
    assert second.secret is not None
    assert second.expires == first.expires
    assert control.sessions.authenticate(first.secret).secret is None

    clock.now += sessions.GRACE_MS + 1
    with pytest.raises(AccessError):
        control.sessions.authenticate(first.secret)
    assert control.sessions.authenticate(second.secret).principal.name == "ada"


def test_a_session_ends_when_idle_and_after_its_life(
    control: Control, admin: Account, clock: Clock
) -> None:
    idle = control.sessions.start(admin)
    assert idle.secret is not None
    clock.now += sessions.IDLE_MS + 1
    with pytest.raises(AccessError):
        control.sessions.authenticate(idle.secret)

    busy = control.sessions.start(admin)
    secret = busy.secret
    while clock.now < busy.expires - sessions.IDLE_MS:
        assert secret is not None
        secret = control.sessions.authenticate(secret).secret or secret
        clock.now += sessions.IDLE_MS // 2
    assert secret is not None
    secret = control.sessions.authenticate(secret).secret or secret
    clock.now = busy.expires
    with pytest.raises(AccessError):
        control.sessions.authenticate(secret)


def test_signing_out_ends_the_session_and_its_successors(
    control: Control, admin: Account, clock: Clock
) -> None:
    first = control.sessions.start(admin)
    clock.now += sessions.ROTATE_AFTER_MS
    assert first.secret is not None
    second = control.sessions.authenticate(first.secret)
    other = control.sessions.start(admin)
    assert second.secret is not None
    control.sessions.end(first.secret)
    control.sessions.end("ars_unknown")
    for secret in (first.secret, second.secret):
        with pytest.raises(AccessError):
            control.sessions.authenticate(secret)

    assert other.secret is not None
    assert control.sessions.authenticate(other.secret).principal.id == admin.account
    control.sessions.end_all(admin.account)
    with pytest.raises(AccessError):
        control.sessions.authenticate(other.secret)


def test_accounts_are_found_by_identifier(control: Control, admin: Account) -> None:
    assert control.accounts.get(admin.account) == admin
    assert control.accounts.get("nobody") is None
    assert control.accounts.find("ada") == admin
    assert control.accounts.find("nobody") is None
