"""What can be asked, and what comes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from auditroll.errors import ProducerError

__all__ = [
    "MAX_FILTERS",
    "MAX_LIMIT",
    "Filter",
    "Operator",
    "Order",
    "Page",
    "Pinned",
    "Query",
    "Range",
    "invalid",
]

MAX_LIMIT: Final = 1000
MAX_FILTERS: Final = 32

Operator: TypeAlias = Literal[
    "eq", "ne", "lt", "lte", "gt", "gte", "in", "prefix", "contains", "exists"
]
Order: TypeAlias = Literal["newest", "oldest"]


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on one field.

    Args:
        field: Name in the record schema.
        op: `eq`, `ne` (also true where the field is absent), `lt`, `lte`, `gt`, `gte`, `in` (a
            list of values), `prefix` and `contains` (text; `contains` also finds an element of a
            list or a key of a map), `exists` (true or false).
        value: Of the field's type; text is read as integer, boolean or time where the field is.
    """

    field: str
    op: Operator
    value: Any


@dataclass(frozen=True, slots=True)
class Query:
    """A search of one tenant's records.

    Args:
        tenant: Whose records; always from the caller's credential. Empty: the root stream.
        filters: Conditions that must all hold.
        time_from: Least event time, milliseconds since 1970.
        time_to: Event time after the range, milliseconds since 1970.
        order: By event time, then stream and index.
        limit: Rows of a page, 1 to 1000.
        cursor: From the page before; everything but `limit` must be as it was there.
        streams: Streams to search; all of the tenant's when empty.
    """

    tenant: str
    filters: Sequence[Filter] = ()
    time_from: int | None = None
    time_to: int | None = None
    order: Order = "newest"
    limit: int = 50
    cursor: str | None = None
    streams: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Pinned:
    """The state of the log that all pages of a search show.

    Args:
        root_checkpoint: Signed root checkpoint of the first page's time.
        streams: Size of each stream searched.
    """

    root_checkpoint: str
    streams: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Range:
    """Records of a stream that could not be read.

    Args:
        stream: Stream id.
        first: Index of the first.
        end: Index after the last.
        code: Why: `key-unknown` or `segment-altered`.
    """

    stream: str
    first: int
    end: int
    code: str


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a search.

    Args:
        rows: Records as flat JSON values, `stream` and `index` in each.
        cursor: Opens the next page; None on the last.
        truncated: There are more rows than these.
        pinned: What the search ran on.
        unreadable: What it could not look at; empty on a sound log.
    """

    rows: list[dict[str, Any]]
    cursor: str | None
    truncated: bool
    pinned: Pinned
    unreadable: list[Range] = field(default_factory=list[Range])


def invalid(reason: str) -> ProducerError:
    """Return the error for a query that cannot be answered."""
    return ProducerError(
        "query-invalid",
        f"invalid query: {reason}",
        hint="See the record schema for the names and types of the fields.",
    )
