"""The functions of everyday use, all with the default detectors."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from auditroll.redact.agents import clean_agent
from auditroll.redact.custom import DETECTORS
from auditroll.redact.found import Redacted
from auditroll.redact.mapping import RedactedFields, redact_tree
from auditroll.redact.redactor import Redactor

__all__ = ["clean_user_agent", "redact_fields", "redact_text", "redact_value", "scan_batch"]

_DEFAULT = Redactor(DETECTORS)


def redact_text(text: str) -> str:
    """Return `text` with a marker for everything personal or secret that the detectors find."""
    return _DEFAULT.redact(text).text


def redact_value(text: str) -> Redacted:
    """Return `text` with markers, and what was found by kind."""
    return _DEFAULT.redact(text)


def scan_batch(texts: Sequence[str]) -> dict[int, Redacted]:
    """Return, by index, the texts in which something was found; the cheap way for many texts.

    Args:
        texts: Best distinct values; a text without a hit is not in the answer.
    """
    return _DEFAULT.scan_batch(texts)


def redact_fields(value: Any) -> RedactedFields:
    """Return a redacted copy of nested mappings and lists, by their keys and their texts."""
    return redact_tree(value, _DEFAULT)


@lru_cache(maxsize=4096)
def clean_user_agent(raw: str) -> Redacted:
    """Return a user agent as a record may hold it: one line, 256 characters, nothing personal."""
    return clean_agent(raw, _DEFAULT)
