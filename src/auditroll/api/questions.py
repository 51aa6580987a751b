"""A record by the questions an auditor asks of it."""

from collections.abc import Mapping
from typing import Any, Final

from auditroll.event.fields import FIELDS

__all__ = ["QUESTIONS", "by_question"]

# Category of the field table -> question; the order is the order of the page.
QUESTIONS: Final[Mapping[str, str]] = {
    "who": "who",
    "what": "what",
    "when": "when",
    "where": "where",
    "outcome": "outcome",
    "context": "why",
    "ai": "ai",
    "privacy": "privacy",
    "identity": "log",
    "envelope": "log",
    "ext": "what",
}
# Both instants answer "when", whoever set them.
PLACED: Final[Mapping[str, str]] = {"received_at": "when", "timestamp": "when"}
ALWAYS: Final = ("who", "what", "when", "where", "outcome", "why")


def by_question(record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the record's fields under `who`, `what`, `when`, `where`, `outcome`, `why` and more.

    Args:
        record: A flat stored record, public and shown slot fields together.
    """
    answers: dict[str, dict[str, Any]] = {
        question: {} for question in dict.fromkeys(QUESTIONS.values())
    }
    for name, value in record.items():
        field = FIELDS.get(name)
        question = PLACED.get(name) or (QUESTIONS.get(field.category, "log") if field else "log")
        answers[question][name] = value
    return {
        question: fields for question, fields in answers.items() if fields or question in ALWAYS
    }
