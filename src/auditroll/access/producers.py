"""Producers: what may insert records, for which tenant and services."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Engine, Row, insert, select, update

from auditroll.access.roles import Principal, Role
from auditroll.access.schema import PRODUCERS
from auditroll.access.secret import PRODUCER_PREFIX, digest, mint, well_formed
from auditroll.clock import now_ms
from auditroll.errors import AccessError, PolicyError

__all__ = ["OWN_PRODUCER", "Producer", "Producers"]

# The collector's own events come from this producer; nobody else may be called so.
OWN_PRODUCER = "auditroll"
ANY_SERVICE = "*"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Producer(msgspec.Struct, frozen=True, kw_only=True):
    """An insert-only account.

    Args:
        producer: The `producer_id` of its records.
        tenant: The tenant of its records, whatever a body says.
        services: The `service_name`s it may write for; `*` stands for every one.
        expires: Milliseconds since 1970, or None.
        revoked: Milliseconds since 1970, or None.
    """

    producer: str
    tenant: str
    services: frozenset[str]
    expires: int | None = None
    revoked: int | None = None

    def may_write_for(self, service: str) -> bool:
        """Tell whether records of `service` may come from here."""
        return service in self.services or ANY_SERVICE in self.services

    def principal(self) -> Principal:
        """Return who this is to `require`."""
        return Principal(
            id=self.producer,
            name=self.producer,
            tenant=self.tenant,
            role=Role.PRODUCER,
            auth_method="api_key",
        )


class Producers:
    """The table of producers, with the working set in memory.

    This object is the only writer of its table while the data folder is locked, so a change made
    through it is in force when the call returns.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._by_hash: dict[bytes, Producer] = {}
        self._load()

    def register(
        self, producer: str, tenant: str, services: Iterable[str], *, expires: int | None = None
    ) -> tuple[Producer, str]:
        """Add a producer and return it with its key, which is shown this once.

        Raises:
            PolicyError: `producer-name`, a name does not fit or is taken or reserved.
        """
        allowed = frozenset(services)
        self._check_new(producer, allowed)
        key = mint(PRODUCER_PREFIX)
        values = {
            "producer": producer,
            "tenant": tenant,
            "services": sorted(allowed),
            "key_hash": digest(key),
            "created": now_ms(),
            "expires": expires,
        }
        with self._engine.begin() as connection:
            connection.execute(insert(PRODUCERS).values(values))
        self._load()
        return self.get(producer), key

    def authenticate(self, key: str) -> Producer:
        """Return the producer that `key` belongs to.

        Raises:
            AccessError: `unauthenticated` (401): unknown, expired or revoked, not said which.
        """
        presented = digest(key)
        producer = self._by_hash.get(presented) if well_formed(key) else None
        if producer is None or not _in_force(producer):
            raise AccessError(
                "unauthenticated",
                "the producer's key is not accepted",
                hint="Use the key file of a producer that is registered and not revoked.",
                status=401,
            )
        return producer

    def replace_key(self, producer: str) -> str:
        """Give `producer` a new key; the old one stops working at once.

        Raises:
            PolicyError: `producer-unknown`.
        """
        key = mint(PRODUCER_PREFIX)
        self._change(producer, key_hash=digest(key))
        return key

    def revoke(self, producer: str) -> None:
        """Refuse `producer` from now on.

        Raises:
            PolicyError: `producer-unknown`.
        """
        self._change(producer, revoked=now_ms())

    def get(self, producer: str) -> Producer:
        """Return one producer by name.

        Raises:
            PolicyError: `producer-unknown`.
        """
        for known in self._by_hash.values():
            if known.producer == producer:
                return known
        raise PolicyError("producer-unknown", "there is no such producer", status=404)

    def list(self) -> list[Producer]:
        """Return every producer, by name."""
        return sorted(self._by_hash.values(), key=lambda known: known.producer)

    def _check_new(self, producer: str, services: frozenset[str]) -> None:
        for name in (producer, *(services - {ANY_SERVICE})):
            if _NAME.fullmatch(name) is None:
                raise PolicyError("producer-name", f"a name must match {_NAME.pattern}")
        if not services:
            raise PolicyError("producer-name", "a producer needs at least one service")
        taken = {known.producer for known in self._by_hash.values()}
        if producer == OWN_PRODUCER or producer in taken:
            raise PolicyError("producer-name", f"the name {producer} is taken")

    def _change(self, producer: str, **values: Any) -> None:
        self.get(producer)
        change = update(PRODUCERS).where(PRODUCERS.c.producer == producer).values(values)
        with self._engine.begin() as connection:
            connection.execute(change)
        self._load()

    def _load(self) -> None:
        with self._engine.connect() as connection:
            rows = connection.execute(select(PRODUCERS)).all()
        self._by_hash = {row.key_hash: _producer(row) for row in rows}


def _in_force(producer: Producer) -> bool:
    if producer.revoked is not None:
        return False
    return producer.expires is None or now_ms() < producer.expires


def _producer(row: Row[Any]) -> Producer:
    return Producer(
        producer=row.producer,
        tenant=row.tenant,
        services=frozenset(row.services),
        expires=row.expires,
        revoked=row.revoked,
    )
