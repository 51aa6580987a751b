"""Open the control database."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event

from auditroll.access.schema import METADATA
from auditroll.disk import FILE_MODE, Disk
from auditroll.errors import PolicyError

__all__ = ["SCHEMA_VERSION", "open_control"]

SCHEMA_VERSION = 1
BUSY_TIMEOUT_MS = 10_000


def open_control(folder: Path, disk: Disk | None = None) -> Engine:
    """Open `control.db` in `folder`, creating what is absent.

    Every commit is durable before it returns: a revocation that was confirmed holds after a power
    cut.

    Args:
        folder: The data folder's `control/`; created, readable by the owner only.
        disk: File operations; the real ones when absent.

    Returns:
        An engine whose connections refer to the one file.

    Raises:
        PolicyError: `schema-version`, the file was written by a newer auditroll.
    """
    (disk or Disk()).make_dirs(folder)
    path = folder / "control.db"
    path.touch(mode=FILE_MODE, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _prepare)
    with engine.begin() as connection:
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version > SCHEMA_VERSION:
            raise PolicyError(
                "schema-version",
                f"the control database has schema version {version}",
                hint=f"This auditroll knows version {SCHEMA_VERSION}; start a newer one.",
            )
        METADATA.create_all(connection)
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return engine


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    """Make commits durable and references checked on each new connection."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
