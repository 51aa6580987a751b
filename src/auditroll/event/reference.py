"""The reference page of the record, generated from the one definition."""

from collections.abc import Iterable
from typing import Final

from auditroll.event.facts import FACTS, Fact
from auditroll.event.fields import FIELDS
from auditroll.event.grammar import PATTERNS
from auditroll.event.profiles import PROFILES, Profile
from auditroll.event.rules import REQUIRED_BY_PURPOSE, REQUIRED_BY_TYPE, REQUIRED_WITH
from auditroll.event.spec import Category, Spec
from auditroll.event.values import EVENT_TYPES

__all__ = ["record_page"]

_TITLES: Final[dict[Category, str]] = {
    "envelope": "Added by the ledger",
    "identity": "Which record",
    "who": "Who",
    "what": "What",
    "when": "When",
    "where": "Where",
    "outcome": "Outcome",
    "context": "Context",
    "ai": "AI model calls",
    "privacy": "Privacy",
    "ext": "Extensions",
    "facts": "Producers' own events",
}

_HEAD: Final = """\
# The record

One record is one flat JSON object: an *event* about your system, or a *fact* about the log itself.
This page and [record.schema.json](record.schema.json) are generated from `auditroll.event`;
[the format](format.md) fixes the octets.

Place: `public` fields are in the leaf, the octets that are hashed into the log; the others stand in
the slot named, of which the leaf holds only a commitment. By: P producer, C collector, S sequencer.
A producer sends the fields marked P, and an identity envelope in place of a pseudonym. The aliases
`action` and `purpose` are accepted on input.
"""

_RULES: Final = """\
## Rules between fields

- `success` is true exactly if `outcome` is `ok`.
- 401 and 403 are `denied`; a `status_code` of 400 or more is never `ok`.
- `part` and `parts` come together, `part` <= `parts`; the parts of one answer share `request_id`.
- `producer.open` has `producer_seq` 0; `last_seq` is the number before the record's own.
- `recorder.fallback` has the required fields only, and the outcome `unknown`.
- `note` stands in facts only; the fields under "Producers' own events" only in `producer.*`.
"""

_GRAMMARS: Final = """\
Matched whole. TIME is a real instant, NET is written as in RFC 5952, TRACE and SPAN are not all
zero.
"""


def record_page() -> str:
    """Return docs/reference/record.md."""
    return "\n".join(
        [
            _HEAD,
            "## Fields of events\n",
            *(_category(category, title) for category, title in _TITLES.items()),
            _RULES,
            "## Event types\n",
            ", ".join(f"`{name}`" for name in EVENT_TYPES)
            + ", and types that a tenant registered: `x.` and a code.\n",
            "## Facts\n",
            _table(
                ("event_type", "stream", "fields", "meaning"),
                ([f"`{name}`", *_fact_row(fact)] for name, fact in FACTS.items()),
            ),
            "## Grammars\n",
            _GRAMMARS,
            _table(("name", "grammar"), map(_grammar_row, PATTERNS.items())),
            "## Completeness checks\n",
            "`missing(record, profile)` names what a record lacks for a regulation.\n",
            _table(("profile", "fields", "source"), map(_profile_row, PROFILES.values())),
        ]
    )


def _category(category: Category, title: str) -> str:
    rows = (
        [f"`{name}`", *_row(name, spec)]
        for name, spec in FIELDS.items()
        if spec.category == category
    )
    head = ("field", "type", "values", "required", "place", "by", "meaning")
    return f"### {title}\n\n{_table(head, rows)}"


def _row(name: str, spec: Spec) -> list[str]:
    return [spec.kind, _values(spec), _when(name, spec), spec.place, spec.by, spec.doc]


def _values(spec: Spec) -> str:
    """Return what the value may be, in words."""
    named = [f"`{value}`" for value in spec.values]
    named += [name for name in (spec.grammar, spec.key) if name]
    if spec.kind in {"int", "counts"}:
        named.append(_interval(spec))
    if spec.most:
        named.append(f"{spec.least} to {spec.most}")
    if spec.unique:
        named.append("sorted, unique")
    return ", ".join(named)


def _interval(spec: Spec) -> str:
    most = "2^53 - 1" if spec.maximum == 2**53 - 1 else str(spec.maximum)
    least = f"-({most})" if spec.minimum < 0 else str(spec.minimum)
    return f"{least}..{most} {spec.unit}".strip()


def _when(name: str, spec: Spec) -> str:
    if spec.required:
        return "yes"
    reasons = [f"`{other}`" for other, needed in REQUIRED_WITH.items() if name in needed]
    for table in (REQUIRED_BY_TYPE, REQUIRED_BY_PURPOSE):
        reasons += [f"`{value}`" for value, needed in table.items() if name in needed]
    return "with " + ", ".join(reasons) if reasons else ""


def _fact_row(fact: Fact) -> list[str]:
    names = (f"`{name}`" + ("?" if name in fact.optional else "") for name in fact.fields)
    return [fact.home, " ".join(names), fact.doc]


def _profile_row(profile: Profile) -> list[str]:
    names = (" or ".join(f"`{name}`" for name in fields) for _, fields in profile.elements)
    return [profile.name, ", ".join(names), profile.source]


def _grammar_row(named: tuple[str, str]) -> list[str]:
    name, pattern = named
    readable = pattern if pattern.isascii() else pattern.encode("unicode_escape").decode()
    return [name, "`" + readable.replace("|", "\\|") + "`"]


def _table(head: tuple[str, ...], rows: Iterable[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in (list(head), *rows)]
    lines.insert(1, "|" + "---|" * len(head))
    return "\n".join(lines) + "\n"
