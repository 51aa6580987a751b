"""Who may do what: three roles, none of which includes another by accident."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from auditroll.errors import AccessError

__all__ = ["GRANTS", "Permission", "Principal", "Role", "require"]


class Permission(StrEnum):
    """One thing that can be allowed."""

    INSERT = "insert"
    READ = "read"
    VERIFY = "verify"
    EXPORT = "export"
    ADMINISTER = "administer"


class Role(StrEnum):
    """What a credential is for."""

    PRODUCER = "producer"
    AUDITOR = "auditor"
    ADMIN = "admin"


# A producer reads nothing, and no reader inserts: a stolen key of one kind is of no use for the
# other. Source: NIST SP 800-53 AU-9(4), AC-6.
GRANTS: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.PRODUCER: frozenset({Permission.INSERT}),
    Role.AUDITOR: frozenset({Permission.READ, Permission.VERIFY, Permission.EXPORT}),
    Role.ADMIN: frozenset(
        {Permission.READ, Permission.VERIFY, Permission.EXPORT, Permission.ADMINISTER}
    ),
}


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who a request comes from, as its credential proves it.

    Args:
        id: Stable identifier of the producer, token or account.
        name: What a person calls it; the identity behind the pseudonym in our own records.
        tenant: The only tenant this principal sees or writes.
        role: What it may do.
        auth_method: Value of the record field of that name.
    """

    id: str
    name: str
    tenant: str
    role: Role
    auth_method: str


def require(principal: Principal, permission: Permission) -> None:
    """Let `principal` pass or raise.

    Raises:
        AccessError: `forbidden`, the role does not include `permission`.
    """
    if permission not in GRANTS[principal.role]:
        raise AccessError(
            "forbidden",
            f"the role {principal.role} does not include {permission}",
            hint="Use a credential whose role includes it.",
        )
