"""Tables of the control plane.

Secrets never stand here: a key or token is kept as its SHA-256, a password as its Argon2id hash.
Times are integer milliseconds since 1970; lists and mappings are JSON.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

__all__ = [
    "ACCOUNTS",
    "ENROLMENTS",
    "EPOCHS",
    "GAPS",
    "METADATA",
    "PRODUCERS",
    "SESSIONS",
    "TENANTS",
    "TOKENS",
]

METADATA = MetaData()

TENANTS = Table(
    "tenants",
    METADATA,
    Column("tenant", String(63), primary_key=True),
    Column("created", Integer, nullable=False),
    # Resource types whose ids name a person: stored as pseudonyms only.
    Column("personal_types", JSON, nullable=False),
    # Resource type -> the grammar of its opaque ids.
    Column("resource_grammars", JSON, nullable=False),
    # Event type -> data class, where it is not the default one.
    Column("data_classes", JSON, nullable=False),
    # What the tenant registered: keys of `ext`, `x.` event types, `x-` purposes.
    Column("ext_fields", JSON, nullable=False),
    Column("event_types", JSON, nullable=False),
    Column("purposes", JSON, nullable=False),
)

PRODUCERS = Table(
    "producers",
    METADATA,
    Column("producer", String(64), primary_key=True),
    Column("tenant", String(63), ForeignKey("tenants.tenant"), nullable=False),
    Column("services", JSON, nullable=False),
    Column("key_hash", LargeBinary(32), nullable=False, unique=True),
    Column("created", Integer, nullable=False),
    Column("expires", Integer),
    Column("revoked", Integer),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("token", String(36), primary_key=True),
    Column("tenant", String(63), ForeignKey("tenants.tenant"), nullable=False),
    Column("role", String(16), nullable=False),
    Column("label", String(64), nullable=False),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("created", Integer, nullable=False),
    Column("expires", Integer, nullable=False),
    Column("revoked", Integer),
)

ENROLMENTS = Table(
    "enrolments",
    METADATA,
    Column("code_hash", LargeBinary(32), primary_key=True),
    Column("tenant", String(63), ForeignKey("tenants.tenant"), nullable=False),
    Column("created", Integer, nullable=False),
    Column("expires", Integer, nullable=False),
    Column("used", Integer),
)

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("account", String(36), primary_key=True),
    Column("tenant", String(63), ForeignKey("tenants.tenant"), nullable=False),
    Column("name", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("password_hash", String(256), nullable=False),
    Column("created", Integer, nullable=False),
    Column("disabled", Integer),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Integer, nullable=False),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("account", String(36), ForeignKey("accounts.account"), nullable=False, index=True),
    Column("created", Integer, nullable=False),
    Column("rotated", Integer, nullable=False),
    Column("last_used", Integer, nullable=False),
    # The whole chain of rotations ends here, however busy the session is.
    Column("expires", Integer, nullable=False),
    # Set when a successor was issued; the old token is honoured a few seconds longer, for
    # requests that were under way.
    Column("superseded", Integer),
)

# What `collect` must know of an epoch beyond its numbers, which are recovered from the log.
EPOCHS = Table(
    "epochs",
    METADATA,
    Column("producer", String(64), primary_key=True),
    Column("epoch", String(32), primary_key=True),
    Column("tenant", String(63), nullable=False),
    Column("is_file", Boolean, nullable=False),
    Column("opened", Integer, nullable=False),
    Column("closed_at", Integer),
    Column("close_seq", Integer),
    Column("successor_opened", Integer),
    Column("prefix_through", Integer),
    Column("prefix_sha256", String(64)),
)

# Findings already told to the ledger, so that each is told once and its end is told as well.
GAPS = Table(
    "gaps",
    METADATA,
    Column("gap", Integer, primary_key=True, autoincrement=True),
    Column("producer", String(64), nullable=False),
    Column("epoch", String(32), nullable=False),
    Column("tenant", String(63), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("announced", Integer, nullable=False),
    Column("resolved", Integer),
    UniqueConstraint("producer", "epoch", "kind", "first", "last"),
)
