"""How one field of the record is described."""

from dataclasses import dataclass
from typing import Final, Literal

from auditroll.event.canonical import MAX_INTEGER

__all__ = [
    "SLOTS",
    "Category",
    "Kind",
    "Namespace",
    "Place",
    "Setter",
    "Spec",
    "enum",
    "flag",
    "text",
    "whole",
]

Kind = Literal["str", "enum", "int", "bool", "time", "list", "counts", "hashes", "ext"]
"""`list` is an array of strings, `counts` {str: int}, `hashes` {str: str}."""

Place = Literal["public", "actor", "subject", "resource", "source", "agent", "detail"]

Category = Literal[
    "envelope",
    "identity",
    "who",
    "what",
    "when",
    "where",
    "outcome",
    "context",
    "ai",
    "privacy",
    "ext",
    "facts",
]

Setter = Literal["P", "C", "S"]
"""Producer, collector, sequencer."""

Namespace = Literal["", "user", "ip", "entity"]
"""Of the identity that a pseudonym stands for."""

SLOTS: Final = ("actor", "subject", "resource", "source", "agent", "detail")


@dataclass(frozen=True, slots=True)
class Spec:
    """One row of the field table (format reference, section 5).

    Args:
        category: The question the field answers.
        doc: One sentence for people.
        kind: Shape of the value.
        grammar: Name in `grammar.PATTERNS` that every string of the value matches.
        place: `public`, or the slot whose commitment hides it.
        required: In every event (`True`), or under a rule of `check` or not at all (`False`).
        by: Who sets the stored value: P producer, C collector, S sequencer.
        values: Closed set of an enum.
        minimum: Least integer.
        maximum: Greatest integer; 2^53 - 1 unless the field says less.
        least: Least number of elements of an array.
        most: Greatest number of elements of an array or map; every array and map has one.
        key: Grammar of a map's keys.
        unique: The array is sorted and holds each element once.
        bits: Keys of a map whose integer is 0 or 1.
        unit: Unit of an integer.
        identity: Namespace of the identity whose envelope stands here on the wire: the stored
            value is a pseudonym.
    """

    category: Category
    doc: str
    kind: Kind = "str"
    grammar: str = ""
    place: Place = "public"
    required: bool = False
    by: Setter = "P"
    values: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = MAX_INTEGER
    least: int = 0
    most: int = 0
    key: str = ""
    unique: bool = False
    bits: tuple[str, ...] = ()
    unit: str = ""
    identity: Namespace = ""


def text(
    category: Category,
    doc: str,
    grammar: str,
    *,
    place: Place = "public",
    required: bool = False,
    by: Setter = "P",
    identity: Namespace = "",
) -> Spec:
    """Describe a string of a grammar."""
    return Spec(
        category,
        doc,
        grammar=grammar,
        place=place,
        required=required,
        by=by,
        identity=identity,
    )


def enum(
    category: Category,
    doc: str,
    values: tuple[str, ...],
    *,
    grammar: str = "",
    required: bool = False,
) -> Spec:
    """Describe a string of a closed set, or of a grammar beside it."""
    return Spec(category, doc, kind="enum", values=values, grammar=grammar, required=required)


def whole(
    category: Category,
    doc: str,
    *,
    minimum: int = 0,
    maximum: int = MAX_INTEGER,
    unit: str = "",
    required: bool = False,
) -> Spec:
    """Describe an integer."""
    return Spec(
        category,
        doc,
        kind="int",
        minimum=minimum,
        maximum=maximum,
        unit=unit,
        required=required,
    )


def flag(category: Category, doc: str, *, required: bool = False, by: Setter = "P") -> Spec:
    """Describe a boolean."""
    return Spec(category, doc, kind="bool", required=required, by=by)
