from auditroll.capture import Actor as Actor
from auditroll.capture import AuditExempt as AuditExempt
from auditroll.capture import Route as Route
from auditroll.capture import audit as audit
from auditroll.capture import instrument as instrument

__all__ = ["Actor", "AuditExempt", "Route", "audit", "instrument"]
