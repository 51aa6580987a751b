"""Reader tokens: for scripts and auditors, always expiring."""

import uuid
from typing import Any

import msgspec
from sqlalchemy import Engine, Row, insert, select, update

from auditroll.access.roles import Principal, Role
from auditroll.access.schema import TOKENS
from auditroll.access.secret import TOKEN_PREFIX, digest, mint, well_formed
from auditroll.clock import now_ms
from auditroll.errors import AccessError, PolicyError

__all__ = ["DEFAULT_LIFE_MS", "MAX_LIFE_MS", "Token", "Tokens"]

DAY_MS = 86_400_000
DEFAULT_LIFE_MS = 30 * DAY_MS
# A token that outlives a yearly access review is an account nobody looks at.
MAX_LIFE_MS = 366 * DAY_MS


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What may be shown of a token: everything but the token."""

    token: str
    tenant: str
    role: Role
    label: str
    created: int
    expires: int
    revoked: int | None = None


class Tokens:
    """The table of reader tokens."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def issue(
        self, tenant: str, label: str, *, life_ms: int = DEFAULT_LIFE_MS
    ) -> tuple[Token, str]:
        """Return a new auditor's token with its secret, which is shown this once.

        Args:
            tenant: The only tenant the token reads.
            label: What people call it, 1 to 64 characters.
            life_ms: 1 to `MAX_LIFE_MS` milliseconds.

        Raises:
            PolicyError: `token-rules`, label or life out of range.
        """
        if not 0 < life_ms <= MAX_LIFE_MS or not 0 < len(label) <= 64:
            raise PolicyError(
                "token-rules", "a token needs a label of 1 to 64 characters and at most 366 days"
            )
        secret, now = mint(TOKEN_PREFIX), now_ms()
        token = Token(
            token=str(uuid.uuid4()),
            tenant=tenant,
            role=Role.AUDITOR,
            label=label,
            created=now,
            expires=now + life_ms,
        )
        values = msgspec.structs.asdict(token) | {"token_hash": digest(secret)}
        with self._engine.begin() as connection:
            connection.execute(insert(TOKENS).values(values))
        return token, secret

    def authenticate(self, secret: str) -> Principal:
        """Return who `secret` belongs to.

        Raises:
            AccessError: `unauthenticated` (401): unknown, expired or revoked, not said which.
        """
        found = None
        if well_formed(secret):
            wanted = select(TOKENS).where(TOKENS.c.token_hash == digest(secret))
            with self._engine.connect() as connection:
                found = connection.execute(wanted).first()
        if found is None or found.revoked is not None or now_ms() >= found.expires:
            raise AccessError(
                "unauthenticated",
                "the token is not accepted",
                hint="Ask an administrator for a new one.",
                status=401,
            )
        return Principal(
            id=found.token,
            name=found.label,
            tenant=found.tenant,
            role=Role(found.role),
            auth_method="bearer",
        )

    def revoke(self, token: str) -> None:
        """Refuse a token from now on.

        Raises:
            PolicyError: `token-unknown`.
        """
        change = update(TOKENS).where(TOKENS.c.token == token).values(revoked=now_ms())
        with self._engine.begin() as connection:
            if connection.execute(change).rowcount == 0:
                raise PolicyError("token-unknown", "there is no such token", status=404)

    def list(self, tenant: str) -> list[Token]:
        """Return the tokens of a tenant, oldest first."""
        wanted = select(TOKENS).where(TOKENS.c.tenant == tenant).order_by(TOKENS.c.created)
        with self._engine.connect() as connection:
            rows = connection.execute(wanted).all()
        return [_token(row) for row in rows]


def _token(row: Row[Any]) -> Token:
    return Token(
        token=row.token,
        tenant=row.tenant,
        role=Role(row.role),
        label=row.label,
        created=row.created,
        expires=row.expires,
        revoked=row.revoked,
    )
