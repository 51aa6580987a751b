"""The HTTP API: producers in, readers out, every answer with a stable form."""

from auditroll.api.app import create_app
from auditroll.api.credential import credential_of
from auditroll.api.state import Installation, Services

__all__ = ["Installation", "Services", "create_app", "credential_of"]
