"""Capture: the outermost layer of an application, and what its code says about a request."""

from auditroll.capture.attach import capture_of, uncovered
from auditroll.capture.audit import Audit, audit
from auditroll.capture.capture import Capture, Counters
from auditroll.capture.identity import Actor
from auditroll.capture.instrument import instrument
from auditroll.capture.routes import Action, AuditExempt, Mode, Route

__all__ = [
    "Action",
    "Actor",
    "Audit",
    "AuditExempt",
    "Capture",
    "Counters",
    "Mode",
    "Route",
    "audit",
    "capture_of",
    "instrument",
    "uncovered",
]
