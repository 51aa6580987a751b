"""Tenants and the rules that `collect` applies to their records."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Engine, Row, insert, select, update

from auditroll.access.schema import TENANTS
from auditroll.clock import now_ms
from auditroll.errors import PolicyError
from auditroll.event.registry import Registry

__all__ = ["Tenant", "Tenants"]

# Source: docs/reference/format.md sections 3 and 5.
_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_RESOURCE_TYPE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_DATA_CLASS = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FIELD = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_EVENT_TYPE = re.compile(r"x\.[a-z][a-z0-9._-]{0,63}")
_PURPOSE = re.compile(r"x-[a-z][a-z0-9._-]{0,63}")


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """A customer of this installation.

    Args:
        tenant: The name in every record.
        personal_types: Resource types whose ids name a person.
        resource_grammars: Resource type to the grammar of its opaque ids, matched whole.
        data_classes: Event type to data class, where it is not `standard`.
        ext_fields: Registered keys of `ext`; others are dropped and counted.
        event_types: Registered event types, all beginning with `x.`.
        purposes: Registered purposes of use, all beginning with `x-`.
    """

    tenant: str
    personal_types: frozenset[str] = frozenset()
    resource_grammars: Mapping[str, str] = {}
    data_classes: Mapping[str, str] = {}
    ext_fields: frozenset[str] = frozenset()
    event_types: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()


class Tenants:
    """The table of tenants, with all of them in memory.

    This object is the only writer of its table while the data folder is locked, so a change made
    through it is in force when the call returns.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, Tenant] = {}
        self._registries: dict[str, Registry] = {}
        self._load()

    def create(self, tenant: Tenant) -> Tenant:
        """Add a tenant; one that exists is left as it is.

        Raises:
            PolicyError: `tenant-rules` or `resource-grammar`: a name or grammar does not fit.
        """
        if _TENANT.fullmatch(tenant.tenant) is None:
            raise PolicyError("tenant-rules", f"a tenant's name must match {_TENANT.pattern}")
        values = _columns(tenant) | {"tenant": tenant.tenant, "created": now_ms()}
        with self._engine.begin() as connection:
            known = select(TENANTS.c.tenant).where(TENANTS.c.tenant == tenant.tenant)
            if connection.execute(known).first() is None:
                connection.execute(insert(TENANTS).values(values))
        self._load()
        return self.get(tenant.tenant)

    def configure(self, tenant: Tenant) -> Tenant:
        """Replace the rules of a tenant.

        Raises:
            PolicyError: `tenant-rules`, `resource-grammar` or `tenant-unknown`.
        """
        change = update(TENANTS).where(TENANTS.c.tenant == tenant.tenant)
        with self._engine.begin() as connection:
            connection.execute(change.values(_columns(tenant)))
        self._load()
        return self.get(tenant.tenant)

    def get(self, name: str) -> Tenant:
        """Return the tenant called `name`.

        Raises:
            PolicyError: `tenant-unknown`.
        """
        tenant = self._known.get(name)
        if tenant is None:
            raise PolicyError("tenant-unknown", "there is no such tenant", status=404)
        return tenant

    def registry(self, name: str) -> Registry:
        """Return what the tenant called `name` registered, compiled.

        Raises:
            PolicyError: `tenant-unknown`.
        """
        return self._registries[self.get(name).tenant]

    def list(self) -> list[Tenant]:
        """Return every tenant, by name."""
        return [self._known[name] for name in sorted(self._known)]

    def _load(self) -> None:
        with self._engine.connect() as connection:
            rows = connection.execute(select(TENANTS)).all()
        self._known = {row.tenant: _tenant(row) for row in rows}
        self._registries = {name: _registry(tenant) for name, tenant in self._known.items()}


def _tenant(row: Row[Any]) -> Tenant:
    return Tenant(
        tenant=row.tenant,
        personal_types=frozenset(row.personal_types),
        resource_grammars=row.resource_grammars,
        data_classes=row.data_classes,
        ext_fields=frozenset(row.ext_fields),
        event_types=frozenset(row.event_types),
        purposes=frozenset(row.purposes),
    )


def _columns(tenant: Tenant) -> dict[str, Any]:
    """Check the rules and return them as column values."""
    types = tenant.personal_types | tenant.resource_grammars.keys()
    _check_names("resource type", _RESOURCE_TYPE, types)
    _check_names("data class", _DATA_CLASS, tenant.data_classes.values())
    _check_names("field", _FIELD, tenant.ext_fields)
    _check_names("registered event type", _EVENT_TYPE, tenant.event_types)
    _check_names("registered purpose", _PURPOSE, tenant.purposes)
    _registry(tenant)
    return {
        "personal_types": sorted(tenant.personal_types),
        "resource_grammars": dict(tenant.resource_grammars),
        "data_classes": dict(tenant.data_classes),
        "ext_fields": sorted(tenant.ext_fields),
        "event_types": sorted(tenant.event_types),
        "purposes": sorted(tenant.purposes),
    }


def _check_names(what: str, pattern: re.Pattern[str], names: Iterable[str]) -> None:
    for name in names:
        if pattern.fullmatch(name) is None:
            raise PolicyError("tenant-rules", f"not the name of a {what}: {name!r}")


def _registry(tenant: Tenant) -> Registry:
    """Compile the registrations.

    Raises:
        PolicyError: `resource-grammar`: an expression the linear-time engine does not take.
    """
    return Registry.compile(
        personal_types=tenant.personal_types,
        resource_grammars=tenant.resource_grammars,
        ext_fields=tenant.ext_fields,
        purposes=tenant.purposes,
        event_types=tenant.event_types,
    )
