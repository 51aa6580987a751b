"""Producers, tokens and roles."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from auditroll import access
from auditroll.access import Control, Permission, Role, Tenant, require
from auditroll.access.schema import PRODUCERS, TOKENS
from auditroll.errors import AccessError, PolicyError


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    with Control.open(tmp_path / "control") as opened:
        opened.tenants.create(Tenant(tenant="clinic", personal_types=frozenset({"patient"})))
        yield opened


def code_of(error: pytest.ExceptionInfo[AccessError] | pytest.ExceptionInfo[PolicyError]) -> str:
    return error.value.code


def test_a_key_is_accepted_until_it_is_revoked(control: Control) -> None:
    registered, key = control.producers.register("api", "clinic", ["frontdesk"])

    assert key.startswith("ark_")
    assert len(key) == 47
    assert control.producers.authenticate(key) == registered
    control.producers.revoke("api")
    with pytest.raises(AccessError) as refused:
        control.producers.authenticate(key)
    assert (refused.value.code, refused.value.status) == ("unauthenticated", 401)


def test_an_expired_key_is_refused(control: Control) -> None:
    _, key = control.producers.register("api", "clinic", ["frontdesk"], expires=1)
    with pytest.raises(AccessError):
        control.producers.authenticate(key)


def test_a_replaced_key_stops_working_at_once(control: Control) -> None:
    _, old = control.producers.register("api", "clinic", ["frontdesk"])
    new = control.producers.replace_key("api")

    assert control.producers.authenticate(new).producer == "api"
    with pytest.raises(AccessError):
        control.producers.authenticate(old)


@pytest.mark.parametrize("secret", ["", "ark_", "ark_" + "A" * 43, "ark_" + "A" * 4300, "\x00"])
def test_unknown_secrets_are_refused(control: Control, secret: str) -> None:
    with pytest.raises(AccessError) as refused:
        control.authenticate(secret)
    assert refused.value.status == 401


def test_secrets_are_stored_as_hashes_only(control: Control, tmp_path: Path) -> None:
    _, key = control.producers.register("api", "clinic", ["frontdesk"])
    _, token = control.tokens.issue("clinic", "auditor")

    written = b"".join(path.read_bytes() for path in (tmp_path / "control").iterdir())
    assert key.encode() not in written
    assert token.encode() not in written
    with control.engine.connect() as connection:
        assert len(connection.execute(PRODUCERS.select()).one().key_hash) == 32
        assert len(connection.execute(TOKENS.select()).one().token_hash) == 32


def test_the_database_is_readable_by_its_owner_only(control: Control, tmp_path: Path) -> None:
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "control").iterdir()}
    assert modes == {0o600}
    assert (tmp_path / "control").stat().st_mode & 0o777 == 0o700


def test_credentials_survive_a_restart(control: Control, tmp_path: Path) -> None:
    _, key = control.producers.register("api", "clinic", ["frontdesk", "worker"])
    _, token = control.tokens.issue("clinic", "auditor")
    control.close()

    with Control.open(tmp_path / "control") as again:
        assert again.producers.authenticate(key).services == {"frontdesk", "worker"}
        assert again.tokens.authenticate(token).tenant == "clinic"


def test_a_producer_reads_nothing_and_a_reader_inserts_nothing(control: Control) -> None:
    _, key = control.producers.register("api", "clinic", ["frontdesk"])
    _, token = control.tokens.issue("clinic", "auditor")
    producer, auditor = control.authenticate(key), control.authenticate(token)

    require(producer, Permission.INSERT)
    for permission in set(Permission) - {Permission.INSERT}:
        with pytest.raises(AccessError) as refused:
            require(producer, permission)
        assert (refused.value.code, refused.value.status) == ("forbidden", 403)
    for permission in (Permission.READ, Permission.VERIFY, Permission.EXPORT):
        require(auditor, permission)
    for permission in (Permission.INSERT, Permission.ADMINISTER):
        with pytest.raises(AccessError):
            require(auditor, permission)


def test_every_role_has_its_grants() -> None:
    assert set(access.GRANTS) == set(Role)
    assert Permission.INSERT not in access.GRANTS[Role.ADMIN]


@pytest.mark.parametrize(
    ("name", "services"),
    [("auditroll", ["a"]), ("api", ["a"]), ("Api", ["a"]), ("b", []), ("b", ["a\n"]), ("", ["a"])],
)
def test_names_that_do_not_fit_are_refused(
    control: Control, name: str, services: list[str]
) -> None:
    control.producers.register("api", "clinic", ["frontdesk"])
    with pytest.raises(PolicyError) as refused:
        control.producers.register(name, "clinic", services)
    assert code_of(refused) == "producer-name"


def test_unknown_producers_and_tokens_are_named_as_such(control: Control) -> None:
    with pytest.raises(PolicyError) as producer:
        control.producers.revoke("nobody")
    with pytest.raises(PolicyError) as token:
        control.tokens.revoke("nothing")
    assert (code_of(producer), code_of(token)) == ("producer-unknown", "token-unknown")


def test_producers_are_listed_by_name(control: Control) -> None:
    for name in ("b", "a"):
        control.producers.register(name, "clinic", ["frontdesk"])
    assert [known.producer for known in control.producers.list()] == ["a", "b"]


def test_a_token_ends_when_revoked_or_expired(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, secret = control.tokens.issue("clinic", "one")
    _, other = control.tokens.issue("clinic", "two")
    control.tokens.revoke(first.token)

    with pytest.raises(AccessError):
        control.tokens.authenticate(secret)
    assert control.tokens.authenticate(other).role == Role.AUDITOR
    monkeypatch.setattr("auditroll.access.tokens.now_ms", lambda: first.expires + 1000)
    with pytest.raises(AccessError):
        control.tokens.authenticate(other)
    assert [token.label for token in control.tokens.list("clinic")] == ["one", "two"]
    assert control.tokens.list("other") == []


@pytest.mark.parametrize(("label", "life_ms"), [("", 1), ("x" * 65, 1), ("x", 0), ("x", 10**12)])
def test_tokens_without_a_label_or_an_end_are_refused(
    control: Control, label: str, life_ms: int
) -> None:
    with pytest.raises(PolicyError) as refused:
        control.tokens.issue("clinic", label, life_ms=life_ms)
    assert code_of(refused) == "token-rules"


def test_a_newer_database_is_refused(control: Control, tmp_path: Path) -> None:
    with control.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA user_version = 99")
    with pytest.raises(PolicyError) as refused:
        Control.open(tmp_path / "control")
    assert code_of(refused) == "schema-version"


def test_tenant_rules_are_kept_and_checked(control: Control) -> None:
    rules = Tenant(
        tenant="clinic",
        personal_types=frozenset({"patient", "member"}),
        resource_grammars={"invoice": "[0-9]{4,12}"},
        data_classes={"auth.login": "security"},
    )
    assert control.tenants.configure(rules) == rules
    assert control.tenants.create(Tenant(tenant="clinic")) == rules
    assert control.tenants.list() == [rules]


@pytest.mark.parametrize(
    "rules",
    [
        Tenant(tenant="Clinic"),
        Tenant(tenant="other", personal_types=frozenset({"Patient"})),
        Tenant(tenant="other", resource_grammars={"invoice": "(?=x)y"}),
        Tenant(tenant="other", resource_grammars={"invoice": "("}),
        Tenant(tenant="other", data_classes={"http.request": "No Class"}),
    ],
)
def test_tenant_rules_that_do_not_fit_are_refused(control: Control, rules: Tenant) -> None:
    with pytest.raises(PolicyError) as refused:
        control.tenants.create(rules)
    assert code_of(refused) in {"tenant-rules", "resource-grammar"}


def test_an_unknown_tenant_is_named_as_such(control: Control) -> None:
    with pytest.raises(PolicyError) as refused:
        control.tenants.configure(Tenant(tenant="nobody"))
    assert code_of(refused) == "tenant-unknown"
