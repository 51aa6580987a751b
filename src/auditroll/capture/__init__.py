"""Capture: the outermost layer of an application, and what its code says about a request."""

from auditroll.capture.audit import Audit, audit
from auditroll.capture.capture import Counters
from auditroll.capture.identity import Actor
from auditroll.capture.routes import Action, AuditExempt, Mode, Route

__all__ = [
    "Action",
    "Actor",
    "Audit",
    "AuditExempt",
    "Counters",
    "Mode",
    "Route",
    "audit",
]
