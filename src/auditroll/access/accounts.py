"""Local accounts of people: first-run enrolment and sign-in by password."""

import math
import re
import uuid
from functools import cache
from typing import Any

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from auditroll.access.roles import Principal, Role
from auditroll.access.schema import ACCOUNTS, ENROLMENTS
from auditroll.access.secret import digest, mint_enrolment, normalise_enrolment
from auditroll.clock import now_ms
from auditroll.errors import AccessError, PolicyError

__all__ = ["ENROLMENT_LIFE_MS", "MIN_PASSWORD_CHARACTERS", "Account", "Accounts"]

ENROLMENT_LIFE_MS = 24 * 3_600_000
# Source: NIST SP 800-63B-4 section 3.1.1.2: 15 characters where a password is the only factor.
MIN_PASSWORD_CHARACTERS = 15
# Source: the same section: at least 64 must be permitted; above this hashing becomes a lever.
MAX_PASSWORD_CHARACTERS = 1024
FREE_FAILURES = 5
MAX_LOCK_MS = 15 * 60_000

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A person who signs in.

    Args:
        account: Stable identifier.
        name: The sign-in name.
        tenant: The tenant whose log this person sees.
        role: What the person may do.
    """

    account: str
    name: str
    tenant: str
    role: Role

    def principal(self) -> Principal:
        """Return who this is to `require`."""
        return Principal(
            id=self.account,
            name=self.name,
            tenant=self.tenant,
            role=self.role,
            auth_method="session",
        )


class Accounts:
    """The tables of accounts and of one-time enrolment codes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def any(self) -> bool:
        """Tell whether somebody has enrolled."""
        with self._engine.connect() as connection:
            return connection.execute(select(ACCOUNTS.c.account).limit(1)).first() is not None

    def open_enrolment(self, tenant: str, *, life_ms: int = ENROLMENT_LIFE_MS) -> str:
        """Return a new one-time code for the first administrator; older codes stop working.

        Raises:
            PolicyError: `already-enrolled`, an account exists.
        """
        if self.any():
            raise PolicyError("already-enrolled", "an administrator has enrolled already")
        code, now = mint_enrolment(), now_ms()
        values = {
            "code_hash": digest(normalise_enrolment(code)),
            "tenant": tenant,
            "created": now,
            "expires": now + life_ms,
        }
        with self._engine.begin() as connection:
            connection.execute(ENROLMENTS.delete().where(ENROLMENTS.c.used.is_(None)))
            connection.execute(insert(ENROLMENTS).values(values))
        return code

    def enrol(self, code: str, name: str, password: str) -> Account:
        """Spend a one-time code and create the first administrator.

        Args:
            code: As printed or typed; dashes, case and look-alikes do not matter.
            name: Sign-in name.
            password: At least `MIN_PASSWORD_CHARACTERS` characters.

        Raises:
            AccessError: `enrolment-code` (401): unknown, spent or expired, not said which.
            PolicyError: `account-rules` or `already-enrolled`.
        """
        _check_account(name, password)
        password_hash = _hasher().hash(password)
        with self._engine.begin() as connection:
            tenant = _spend(connection, code)
            if connection.execute(select(func.count()).select_from(ACCOUNTS)).scalar_one():
                raise PolicyError("already-enrolled", "an administrator has enrolled already")
            return _create(connection, tenant, name, password_hash)

    def sign_in(self, name: str, password: str) -> Account:
        """Return the account of `name` if `password` is its password.

        An unknown name costs the same time as a wrong password. After `FREE_FAILURES` failures in
        a row the account waits twice as long after each further one, at most `MAX_LOCK_MS`.

        Raises:
            AccessError: `unauthenticated` (401), or `too-many-attempts` (429) with `retry_after`
                in seconds.
        """
        row = self._row(name)
        if row is not None and now_ms() < row.locked_until:
            raise AccessError(
                "too-many-attempts",
                "too many attempts to sign in",
                hint="Wait before trying again.",
                status=429,
                retry_after=math.ceil((row.locked_until - now_ms()) / 1000),
            )
        stored = _decoy() if row is None else row.password_hash
        matches = _matches(stored, password)
        if row is None or not matches or row.disabled is not None:
            self._count_failure(row)
            raise AccessError("unauthenticated", "name or password is wrong", status=401)
        self._welcome(row, password)
        return _account(row)

    def get(self, account: str) -> Account | None:
        """Return an account by identifier; None if it is unknown or disabled."""
        wanted = select(ACCOUNTS).where(ACCOUNTS.c.account == account)
        with self._engine.connect() as connection:
            row = connection.execute(wanted).first()
        return None if row is None or row.disabled is not None else _account(row)

    def find(self, name: str) -> Account | None:
        """Return an account by sign-in name, disabled or not; None if it is unknown."""
        row = self._row(name)
        return None if row is None else _account(row)

    def _row(self, name: str) -> Row[Any] | None:
        wanted = select(ACCOUNTS).where(ACCOUNTS.c.name == name)
        with self._engine.connect() as connection:
            return connection.execute(wanted).first()

    def _count_failure(self, row: Row[Any] | None) -> None:
        if row is None:
            return
        # Counted in the statement, so attempts made at once are all counted.
        failures = ACCOUNTS.c.failures + 1
        change = update(ACCOUNTS).where(ACCOUNTS.c.account == row.account)
        with self._engine.begin() as connection:
            counted = connection.execute(
                change.values(failures=failures).returning(ACCOUNTS.c.failures)
            ).scalar_one()
            if counted > FREE_FAILURES:
                wait = min(1000 * 2 ** min(counted - FREE_FAILURES, 20), MAX_LOCK_MS)
                connection.execute(change.values(locked_until=now_ms() + wait))

    def _welcome(self, row: Row[Any], password: str) -> None:
        """Forget failures, and renew the hash if its cost parameters are out of date."""
        values: dict[str, Any] = {"failures": 0, "locked_until": 0}
        if _hasher().check_needs_rehash(row.password_hash):
            values["password_hash"] = _hasher().hash(password)
        if row.failures or "password_hash" in values:
            change = update(ACCOUNTS).where(ACCOUNTS.c.account == row.account).values(values)
            with self._engine.begin() as connection:
                connection.execute(change)


@cache
def _hasher() -> PasswordHasher:
    """Return Argon2id with RFC 9106's low-memory parameters.

    Source: RFC 9106 section 4, second recommended option: t=3, p=4, 64 MiB.
    """
    return PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)


@cache
def _decoy() -> str:
    """Return a hash that no password has, for names that do not exist."""
    return _hasher().hash(mint_enrolment())


def _matches(stored: str, password: str) -> bool:
    if len(password) > MAX_PASSWORD_CHARACTERS:
        return False
    try:
        return _hasher().verify(stored, password)
    except (Argon2Error, InvalidHashError):
        return False


def _check_account(name: str, password: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise PolicyError("account-rules", f"a name must match {_NAME.pattern}")
    if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
        raise PolicyError(
            "account-rules", f"a password needs {MIN_PASSWORD_CHARACTERS} characters or more"
        )


def _spend(connection: Connection, code: str) -> str:
    """Mark a code as used and return its tenant; one statement, so it works for one caller."""
    now = now_ms()
    change = (
        update(ENROLMENTS)
        .where(ENROLMENTS.c.code_hash == digest(normalise_enrolment(code)))
        .where(ENROLMENTS.c.used.is_(None), ENROLMENTS.c.expires > now)
        .values(used=now)
        .returning(ENROLMENTS.c.tenant)
    )
    tenant = connection.execute(change).scalar_one_or_none()
    if tenant is None:
        raise AccessError(
            "enrolment-code",
            "the enrolment code is not accepted",
            hint="Start the collector again to get a new code.",
            status=401,
        )
    return str(tenant)


def _create(connection: Connection, tenant: str, name: str, password_hash: str) -> Account:
    account = Account(account=str(uuid.uuid4()), name=name, tenant=tenant, role=Role.ADMIN)
    values = msgspec.structs.asdict(account) | {
        "password_hash": password_hash,
        "created": now_ms(),
        "failures": 0,
        "locked_until": 0,
    }
    connection.execute(insert(ACCOUNTS).values(values))
    return account


def _account(row: Row[Any]) -> Account:
    return Account(account=row.account, name=row.name, tenant=row.tenant, role=Role(row.role))
