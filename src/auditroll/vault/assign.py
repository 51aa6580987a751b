"""Give each identity its pseudonym.

A pseudonym is random; only the row links it to an identity. The row is durable before the
pseudonym may enter the log, and its binding is queued in the same transaction, so that no record
names a person the ledger cannot vouch for.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from auditroll.clock import now_ms
from auditroll.disk import Disk
from auditroll.keys import KeyStore
from auditroll.vault.assignment import Assignment, Known, Wanted
from auditroll.vault.cache import MAX_ENTRIES, Cache, View
from auditroll.vault.database import open_vault
from auditroll.vault.keyring import Keyring, Use
from auditroll.vault.writer import Writer

__all__ = ["MAX_BINDINGS", "Erased", "Keyring", "Unannounced", "Use", "Vault", "Wanted"]

DAY_MS = 86_400_000
# Source: docs/reference/format.md section 6, vault.binding.
MAX_BINDINGS = 900


class Unannounced(NamedTuple):
    """Bindings of one tenant that no `vault.binding` fact lists yet, in order of creation."""

    tenant: str
    numbers: list[int]
    bindings: list[str]


class Erased(NamedTuple):
    """What an erasure destroyed."""

    rows: int
    tombstones: int


class Vault:
    """The mapping between identities and pseudonyms.

    Args:
        writer: Owns the database connection.
        keyring: Keys of every tenant.
        limit: Entries of one cache generation.
    """

    def __init__(self, writer: Writer, keyring: Keyring, limit: int = MAX_ENTRIES) -> None:
        self.keyring = keyring
        self._writer = writer
        self._cache = Cache(limit)

    @classmethod
    def open(cls, folder: Path, keys: KeyStore, disk: Disk | None = None) -> Self:
        """Open the vault in `folder`, the data folder's `vault/`.

        Raises:
            PolicyError: `schema-version`, the file was written by a newer auditroll.
        """
        keyring = Keyring(open_vault(folder, disk), keys)
        return cls(Writer(open_vault(folder, disk)), keyring)

    def known(self, tenant: str, namespace: str) -> View:
        """Return the pseudonyms in memory; hold the view for one step, never across an await."""
        return self._cache.view(tenant, namespace, now_ms() // DAY_MS)

    async def resolve(self, tenant: str, wanted: Sequence[Wanted]) -> list[str | None]:
        """Return the pseudonym of each envelope, durable when this returns.

        Envelopes with one lookup get one pseudonym. An erased person's get a pseudonym that no
        row and no other record has: the record is kept and nobody can link it.

        Args:
            tenant: From the producer's credential.
            wanted: In any order; repeats are allowed.

        Returns:
            In the order asked: `p_` and 32 hex digits, or None where the envelope does not open
            to the identity its lookup names (the wire's code `identity`).

        Raises:
            CollectorError: `vault-unavailable` or `key-unknown`; nothing was written.
        """
        now = now_ms()

        async def work(connection: sqlite3.Connection) -> dict[bytes, Known]:
            return await Assignment(connection, self.keyring, tenant, now).run(wanted)

        def published(found: dict[bytes, Known]) -> None:
            self._remember(tenant, now // DAY_MS, found)

        found = await self._writer.run(work, published)
        return [_answer(found, one) for one in wanted]

    async def unannounced(self) -> list[Unannounced]:
        """Return the oldest bindings that wait for their fact, at most `MAX_BINDINGS` a tenant."""
        return await self._writer.run(_unannounced)

    async def announced(self, numbers: Iterable[int]) -> None:
        """Forget bindings whose fact is journalled.

        A crash before this returns announces them again: a binding listed twice proves the same.
        """
        rows = [(number,) for number in numbers]

        async def work(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM unannounced WHERE number = ?", rows)

        await self._writer.run(work)

    async def erase(self, tenant: str, lookups: Iterable[str], until: int) -> Erased:
        """Destroy rows with their salts, and keep late spools from making them again.

        When this returns, the cache has forgotten the rows and no file holds their octets.

        Args:
            tenant: Whose rows.
            lookups: Lower-case hex, as in envelopes.
            until: When no spool can bring such a record any more, milliseconds since 1970.
        """
        targets = sorted(set(lookups))

        async def work(connection: sqlite3.Connection) -> Erased:
            rows = [(tenant, bytes.fromhex(lookup)) for lookup in targets]
            marks = [(*row, until) for row in rows]
            connection.executemany("INSERT OR REPLACE INTO tombstone VALUES (?, ?, ?)", marks)
            gone = connection.executemany(
                "DELETE FROM mapping WHERE tenant = ? AND lookup = ?", rows
            )
            return Erased(rows=gone.rowcount, tombstones=len(marks))

        def published(_: Erased) -> None:
            for lookup in targets:
                self._cache.forget(tenant, lookup)
            self._writer.scrub()

        return await self._writer.run(work, published)

    def close(self) -> None:
        """Finish what waits and close the database."""
        self._writer.close()
        self.keyring.close()

    def _remember(self, tenant: str, day: int, found: dict[bytes, Known]) -> None:
        for lookup, known in found.items():
            if known.durable:
                self._cache.put(tenant, known.namespace, day, lookup.hex(), known.pseudonym)


def _answer(found: dict[bytes, Known], one: Wanted) -> str | None:
    """Return the pseudonym unless the lookup is refused or of another namespace."""
    try:
        known = found.get(bytes.fromhex(one.envelope.l))
    except ValueError:
        return None
    if known is None or (known.durable and known.namespace != one.namespace):
        return None
    return known.pseudonym


async def _unannounced(connection: sqlite3.Connection) -> list[Unannounced]:
    tenants = connection.execute("SELECT DISTINCT tenant FROM unannounced").fetchall()
    waiting: list[Unannounced] = []
    for (tenant,) in sorted(tenants):
        rows = connection.execute(
            "SELECT number, binding FROM unannounced WHERE tenant = ? ORDER BY number LIMIT ?",
            (tenant, MAX_BINDINGS),
        ).fetchall()
        numbers = [number for number, _ in rows]
        waiting.append(Unannounced(tenant, numbers, [octets.hex() for _, octets in rows]))
    return waiting
