"""How one field of the record is described."""

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["SLOTS", "Category", "Kind", "Place", "Spec"]

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
        most: Greatest number of elements of an array or map.
        key: Grammar of a map's keys.
        unique: The array is sorted and holds each element once.
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
    by: Literal["P", "C", "S"] = "P"
    values: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 2**53 - 1
    most: int = 0
    key: str = ""
    unique: bool = False
    unit: str = ""
    identity: Literal["", "user", "ip", "entity"] = ""
