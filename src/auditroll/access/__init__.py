"""Who may do what: tenants, producers, reader tokens, accounts, sessions, roles."""

from auditroll.access.accounts import MIN_PASSWORD_CHARACTERS, Account, Accounts
from auditroll.access.control import Control
from auditroll.access.database import open_control
from auditroll.access.producers import OWN_PRODUCER, Producer, Producers
from auditroll.access.roles import GRANTS, Permission, Principal, Role, require
from auditroll.access.sessions import Session, Sessions
from auditroll.access.tenants import Tenant, Tenants
from auditroll.access.tokens import Token, Tokens

__all__ = [
    "GRANTS",
    "MIN_PASSWORD_CHARACTERS",
    "OWN_PRODUCER",
    "Account",
    "Accounts",
    "Control",
    "Permission",
    "Principal",
    "Producer",
    "Producers",
    "Role",
    "Session",
    "Sessions",
    "Tenant",
    "Tenants",
    "Token",
    "Tokens",
    "open_control",
    "require",
]
