"""Tenants and the rules that `collect` applies to their records."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

import msgspec
import re2  # type: ignore[import-untyped]
from sqlalchemy import Engine, Row, insert, select, update

from auditroll.access.schema import TENANTS
from auditroll.clock import now_ms
from auditroll.errors import PolicyError

__all__ = ["Tenant", "Tenants"]

# The package has no type information.
_re2 = cast(Any, re2)

# Source: docs/reference/format.md sections 3 and 5.
_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_RESOURCE_TYPE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_DATA_CLASS = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """A customer of this installation.

    Args:
        tenant: The name in every record.
        personal_types: Resource types whose ids name a person.
        resource_grammars: Resource type to the grammar of its opaque ids, matched whole.
        data_classes: Event type to data class, where it is not `standard`.
    """

    tenant: str
    personal_types: frozenset[str] = frozenset()
    resource_grammars: Mapping[str, str] = {}
    data_classes: Mapping[str, str] = {}


class Tenants:
    """The table of tenants."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, tenant: Tenant) -> Tenant:
        """Add a tenant; one that exists is left as it is.

        Raises:
            PolicyError: `tenant-rules`, a name or grammar is not acceptable.
        """
        if _TENANT.fullmatch(tenant.tenant) is None:
            raise PolicyError("tenant-rules", f"a tenant's name must match {_TENANT.pattern}")
        values = _columns(tenant) | {"tenant": tenant.tenant, "created": now_ms()}
        with self._engine.begin() as connection:
            known = select(TENANTS.c.tenant).where(TENANTS.c.tenant == tenant.tenant)
            if connection.execute(known).first() is None:
                connection.execute(insert(TENANTS).values(values))
        return self.get(tenant.tenant)

    def configure(self, tenant: Tenant) -> Tenant:
        """Replace the rules of a tenant.

        Raises:
            PolicyError: `tenant-rules`, or `tenant-unknown`.
        """
        change = update(TENANTS).where(TENANTS.c.tenant == tenant.tenant)
        with self._engine.begin() as connection:
            connection.execute(change.values(_columns(tenant)))
        return self.get(tenant.tenant)

    def get(self, name: str) -> Tenant:
        """Return the tenant called `name`.

        Raises:
            PolicyError: `tenant-unknown`.
        """
        with self._engine.connect() as connection:
            row = connection.execute(select(TENANTS).where(TENANTS.c.tenant == name)).first()
        if row is None:
            raise PolicyError("tenant-unknown", "there is no such tenant", status=404)
        return _tenant(row)

    def list(self) -> list[Tenant]:
        """Return every tenant, by name."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(TENANTS).order_by(TENANTS.c.tenant)).all()
        return [_tenant(row) for row in rows]


def _tenant(row: Row[Any]) -> Tenant:
    return Tenant(
        tenant=row.tenant,
        personal_types=frozenset(row.personal_types),
        resource_grammars=row.resource_grammars,
        data_classes=row.data_classes,
    )


def _columns(tenant: Tenant) -> dict[str, Any]:
    """Check the rules and return them as column values."""
    types = tenant.personal_types | tenant.resource_grammars.keys()
    _check_names("resource type", _RESOURCE_TYPE, types)
    _check_names("data class", _DATA_CLASS, tenant.data_classes.values())
    for grammar in tenant.resource_grammars.values():
        _check_grammar(grammar)
    return {
        "personal_types": sorted(tenant.personal_types),
        "resource_grammars": dict(tenant.resource_grammars),
        "data_classes": dict(tenant.data_classes),
    }


def _check_names(what: str, pattern: re.Pattern[str], names: Iterable[str]) -> None:
    for name in names:
        if pattern.fullmatch(name) is None:
            raise PolicyError("tenant-rules", f"not the name of a {what}: {name!r}")


def _check_grammar(grammar: str) -> None:
    """Refuse what the linear-time engine cannot run.

    Source: google-re2 has neither back-references nor look-around, so no pattern backtracks.
    """
    try:
        _re2.compile(grammar)
    except _re2.error as error:
        raise PolicyError(
            "tenant-rules",
            f"the grammar {grammar!r} cannot be used",
            hint="Write it without back-references and look-around.",
        ) from error
