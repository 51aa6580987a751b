"""Sessions of signed-in people."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, delete, insert, or_, select, update

from auditroll.access.accounts import Account
from auditroll.access.roles import Principal, Role
from auditroll.access.schema import ACCOUNTS, SESSIONS
from auditroll.access.secret import SESSION_PREFIX, digest, mint, well_formed
from auditroll.clock import now_ms
from auditroll.errors import AccessError

__all__ = ["IDLE_MS", "LIFE_MS", "ROTATE_AFTER_MS", "Session", "Sessions"]

# Source: NIST SP 800-63B-4 section 2.2.3 (AAL2): at most 24 h in all; ours is half of it.
LIFE_MS = 12 * 3_600_000
# Source: the same section: at most 1 h without activity; ours is half of it.
IDLE_MS = 30 * 60_000
ROTATE_AFTER_MS = 15 * 60_000
# Requests that left the browser before it had the new token.
GRACE_MS = 30_000


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted session.

    Args:
        principal: Who is signed in.
        secret: The token to send from now on, or None while the presented one stays.
        expires: When the person must sign in again, milliseconds since 1970.
    """

    principal: Principal
    secret: str | None
    expires: int


class Sessions:
    """The table of sessions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start(self, account: Account) -> Session:
        """Begin a session; its token is in the answer and nowhere else."""
        now = now_ms()
        with self._engine.begin() as connection:
            _sweep(connection, now)
            secret = _insert(connection, account.account, now, now, now + LIFE_MS)
        return Session(principal=account.principal(), secret=secret, expires=now + LIFE_MS)

    def authenticate(self, secret: str) -> Session:
        """Return the session of `secret`; every `ROTATE_AFTER_MS` with a new token.

        Raises:
            AccessError: `unauthenticated` (401): unknown, idle too long, expired or ended.
        """
        now = now_ms()
        with self._engine.begin() as connection:
            row = _find(connection, secret) if well_formed(secret) else None
            if row is None or not _in_force(row, now):
                raise AccessError(
                    "unauthenticated", "no session", hint="Sign in again.", status=401
                )
            fresh = _renew(connection, row, now)
        account = Account(
            account=row.account, name=row.name, tenant=row.tenant, role=Role(row.role)
        )
        return Session(principal=account.principal(), secret=fresh, expires=row.expires)

    def end(self, secret: str) -> None:
        """Sign out: no token of this account's session chain works any more."""
        with self._engine.begin() as connection:
            row = _find(connection, secret)
            if row is not None:
                chain = delete(SESSIONS).where(
                    SESSIONS.c.account == row.account, SESSIONS.c.created == row.created
                )
                connection.execute(chain)

    def end_all(self, account: str) -> None:
        """Sign an account out everywhere."""
        with self._engine.begin() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.account == account))


def _find(connection: Connection, secret: str) -> Row[Any] | None:
    """Return the session's row joined with its account's."""
    wanted = (
        select(
            SESSIONS,
            ACCOUNTS.c.name,
            ACCOUNTS.c.tenant,
            ACCOUNTS.c.role,
            ACCOUNTS.c.disabled,
        )
        .join(ACCOUNTS, ACCOUNTS.c.account == SESSIONS.c.account)
        .where(SESSIONS.c.token_hash == digest(secret))
    )
    return connection.execute(wanted).first()


def _in_force(row: Row[Any], now: int) -> bool:
    if row.disabled is not None or now >= row.expires or now - row.last_used > IDLE_MS:
        return False
    return row.superseded is None or now - row.superseded <= GRACE_MS


def _renew(connection: Connection, row: Row[Any], now: int) -> str | None:
    """Note the use; rotate the token when it is due and has no successor yet."""
    due = row.superseded is None and now - row.rotated >= ROTATE_AFTER_MS
    mine = update(SESSIONS).where(SESSIONS.c.token_hash == row.token_hash)
    if not due:
        # One write a minute is enough to measure half an hour of idleness.
        if now - row.last_used > 60_000:
            connection.execute(mine.values(last_used=now))
        return None
    connection.execute(mine.values(superseded=now))
    return _insert(connection, row.account, row.created, now, row.expires)


def _insert(connection: Connection, account: str, created: int, now: int, expires: int) -> str:
    secret = mint(SESSION_PREFIX)
    values = {
        "token_hash": digest(secret),
        "account": account,
        "created": created,
        "rotated": now,
        "last_used": now,
        "expires": expires,
    }
    connection.execute(insert(SESSIONS).values(values))
    return secret


def _sweep(connection: Connection, now: int) -> None:
    """Drop rows that no token opens any more."""
    stale = or_(
        SESSIONS.c.expires <= now,
        SESSIONS.c.last_used < now - IDLE_MS,
        SESSIONS.c.superseded < now - GRACE_MS,
    )
    connection.execute(delete(SESSIONS).where(stale))
