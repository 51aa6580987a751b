"""Redaction: detectors as the second line behind the schema, and markers in place of hits.

Every function fails closed: what cannot be scanned within its budget becomes
`[REDACTED:UNSCANNED]`.
"""

from auditroll.redact.api import (
    clean_user_agent,
    redact_fields,
    redact_text,
    redact_value,
    scan_batch,
)
from auditroll.redact.custom import DETECTORS, custom_redactor
from auditroll.redact.found import UNSCANNED, Redacted, marker
from auditroll.redact.keys import kind_of_key
from auditroll.redact.mapping import RedactedFields
from auditroll.redact.redactor import Redactor

__all__ = [
    "DETECTORS",
    "UNSCANNED",
    "Redacted",
    "RedactedFields",
    "Redactor",
    "clean_user_agent",
    "custom_redactor",
    "kind_of_key",
    "marker",
    "redact_fields",
    "redact_text",
    "redact_value",
    "scan_batch",
]
