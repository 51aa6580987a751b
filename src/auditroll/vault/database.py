"""The vault's file: tables, durability, erasure of what was deleted."""

import sqlite3
from pathlib import Path

from auditroll.disk import FILE_MODE, Disk
from auditroll.errors import PolicyError

__all__ = ["SCHEMA_VERSION", "open_vault"]

SCHEMA_VERSION = 1

_SCHEMA = """
-- lookup: HMAC of (tenant, namespace, identity), so it never collides across namespaces.
-- sealed: AES-256-GCM of salt || identity, bound to every other column that names the row.
-- last_used_day: days since 1970 of the last day a record asked for this row; the record's
-- received_at may be a day later, so expiry adds one.
CREATE TABLE IF NOT EXISTS mapping (
    tenant TEXT NOT NULL,
    lookup BLOB NOT NULL,
    namespace TEXT NOT NULL,
    pseudonym BLOB NOT NULL,
    key_id TEXT NOT NULL,
    nonce BLOB NOT NULL,
    sealed BLOB NOT NULL,
    created INTEGER NOT NULL,
    last_used_day INTEGER NOT NULL,
    PRIMARY KEY (tenant, lookup)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS mapping_pseudonym ON mapping (tenant, pseudonym);

-- Persons who were erased, until no spool can still bring records about them.
CREATE TABLE IF NOT EXISTS tombstone (
    tenant TEXT NOT NULL,
    lookup BLOB NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (tenant, lookup)
) STRICT, WITHOUT ROWID;

-- Bindings of rows whose `vault.binding` fact is not journalled yet, in order of creation.
CREATE TABLE IF NOT EXISTS unannounced (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    binding BLOB NOT NULL
) STRICT;

-- Which key of the key store serves which tenant for what; the newest of a use is current.
CREATE TABLE IF NOT EXISTS keyring (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    use TEXT NOT NULL,
    key_id TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL
) STRICT;
"""


def open_vault(folder: Path, disk: Disk | None = None) -> sqlite3.Connection:
    """Open `vault.db` in `folder`, creating what is absent.

    Commits are durable when they return, and deleted content is overwritten in the file.

    Args:
        folder: The data folder's `vault/`; created, readable by the owner only.
        disk: File operations; the real ones when absent.

    Returns:
        A connection in autocommit mode that any one thread at a time may use.

    Raises:
        PolicyError: `schema-version`, the file was written by a newer auditroll.
    """
    (disk or Disk()).make_dirs(folder)
    path = folder / "vault.db"
    path.touch(mode=FILE_MODE, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA busy_timeout = 10000")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        connection.close()
        raise PolicyError(
            "schema-version",
            f"the vault has schema version {version}",
            hint=f"This auditroll knows version {SCHEMA_VERSION}; start a newer one.",
        )
    connection.executescript(_SCHEMA)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return connection
