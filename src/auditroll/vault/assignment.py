"""The transaction that finds or makes pseudonyms."""

import asyncio
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from auditroll.errors import ProducerError
from auditroll.event import Envelope
from auditroll.vault.keyring import Keyring, Use
from auditroll.vault.rows import SALT_OCTETS, seal_row
from auditroll.wire.envelope import binding, lookup_of, open_identity

__all__ = ["Assignment", "Known", "Wanted", "pseudonym_text"]

PSEUDONYM_OCTETS = 16
# Parameters of one SELECT; one size, so that SQLite prepares the statement once.
_CHUNK = 500
_OPENED_AT_ONCE = 16


class Wanted(NamedTuple):
    """One identity to be replaced: `user`, `ip` or `entity`, and its envelope."""

    namespace: str
    envelope: Envelope


class Known(NamedTuple):
    """A pseudonym and whether a row stands behind it."""

    namespace: str
    pseudonym: str
    durable: bool


class Assignment:
    """Pseudonyms for the envelopes of one tenant, inside one transaction.

    Args:
        connection: The vault writer's.
        keyring: Keys of the tenant.
        tenant: From the producer's credential.
        now: Milliseconds since 1970.
    """

    def __init__(
        self, connection: sqlite3.Connection, keyring: Keyring, tenant: str, now: int
    ) -> None:
        self._connection = connection
        self._keyring = keyring
        self._tenant = tenant
        self._now = now
        self._day = now // 86_400_000
        self._found: dict[bytes, Known] = {}

    async def run(self, wanted: Sequence[Wanted]) -> dict[bytes, Known]:
        """Return what is known of each lookup afterwards; refused ones are absent."""
        lookups = {octets for one in wanted if (octets := _octets(one.envelope.l)) is not None}
        self._find(lookups)
        self._bury(lookups - self._found.keys())
        await self._make(wanted)
        return self._found

    def _find(self, lookups: Iterable[bytes]) -> None:
        """Take rows that exist, and note durably that they were used today."""
        columns = "lookup, namespace, pseudonym, last_used_day"
        stale: list[tuple[int, str, bytes]] = []
        for lookup, namespace, pseudonym, day in self._select("mapping", columns, lookups):
            self._found[lookup] = Known(namespace, pseudonym_text(pseudonym), durable=True)
            if day < self._day:
                stale.append((self._day, self._tenant, lookup))
        self._connection.executemany(
            "UPDATE mapping SET last_used_day = ? WHERE tenant = ? AND lookup = ?", stale
        )

    def _bury(self, lookups: Iterable[bytes]) -> None:
        """Give erased persons a pseudonym nobody can link: not stored, not used again."""
        for lookup, until in self._select("tombstone", "lookup, until", lookups):
            if until > self._now:
                passing = pseudonym_text(os.urandom(PSEUDONYM_OCTETS))
                self._found[lookup] = Known("", passing, durable=False)

    async def _make(self, wanted: Sequence[Wanted]) -> None:
        """Open what is not known, letting others run now and then: opening costs 0.1 ms each."""
        opened = 0
        for one in wanted:
            lookup = _octets(one.envelope.l)
            if lookup is None or lookup in self._found:
                continue
            identity = self._open(one)
            if identity is not None:
                self._insert(one.namespace, lookup, identity)
            opened += 1
            if opened % _OPENED_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _open(self, one: Wanted) -> str | None:
        """Return the identity if it is the one its lookup names.

        Source: docs/reference/format.md section 11: the vault recomputes `l` after decryption.
        """
        private = self._keyring.find(self._tenant, Use.EPOCH, one.envelope.e)
        if private is None:
            return None
        try:
            identity = open_identity(private, one.envelope, self._tenant, one.namespace)
        except ProducerError:
            return None
        key = self._keyring.current(self._tenant, Use.LOOKUP).octets
        claimed = lookup_of(key, self._tenant, one.namespace, identity)
        return identity if claimed == one.envelope.l else None

    def _insert(self, namespace: str, lookup: bytes, identity: str) -> None:
        pseudonym, salt = os.urandom(PSEUDONYM_OCTETS), os.urandom(SALT_OCTETS)
        key = self._keyring.current(self._tenant, Use.ROW)
        context = (self._tenant, namespace, lookup, pseudonym)
        sealed = seal_row(key.octets, context, salt, identity)
        self._connection.execute(
            "INSERT INTO mapping VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(self._tenant, lookup, namespace, pseudonym, key.id),
                *(sealed.nonce, sealed.octets, self._now, self._day),
            ),
        )
        text = pseudonym_text(pseudonym)
        self._connection.execute(
            "INSERT INTO unannounced (tenant, binding) VALUES (?, ?)",
            (self._tenant, bytes.fromhex(binding(salt, text, namespace, identity))),
        )
        self._found[lookup] = Known(namespace, text, durable=True)

    def _select(
        self, table: str, columns: str, lookups: Iterable[bytes]
    ) -> Iterator[tuple[Any, ...]]:
        pending = list(lookups)
        for start in range(0, len(pending), _CHUNK):
            chunk = pending[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            # Table and columns are constants of this module.
            query = f"SELECT {columns} FROM {table} WHERE tenant = ? AND lookup IN ({marks})"  # noqa: S608
            yield from self._connection.execute(query, (self._tenant, *chunk))


def pseudonym_text(octets: bytes) -> str:
    """Return a pseudonym as records hold it."""
    return f"p_{octets.hex()}"


def _octets(lookup: str) -> bytes | None:
    """Return a lookup's 32 octets, or None if it is not one in lower-case hex."""
    try:
        octets = bytes.fromhex(lookup)
    except ValueError:
        return None
    return octets if octets.hex() == lookup and len(octets) == 32 else None
