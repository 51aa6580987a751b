"""One line of somebody else's log, read but not yet a record; it still holds personal data."""

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Entry", "Unreadable"]


class Unreadable(Exception):
    """A line that gives no record.

    Args:
        code: Why; one of docs/how-to/ingest-logs.md. The line itself is never repeated.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Entry:
    """What a line says, in the log's own words. Never stored or logged as it is.

    Args:
        when: Milliseconds since 1970.
        hops: Addresses as the log has them, the client's first, the nearest peer last.
        user: The remote user, empty if there was none.
        method: As the log has it, empty if there was no request.
        target: Request target, undecoded, empty if there was no request.
        status: Status, 0 if the log has none.
        bytes_out: Octets of the answer, -1 if not known.
        latency_ms: Time of the request, -1 if not known.
        agent: User agent, empty if there was none.
        fields: Further fields of the record, already converted.
        dropped: How many values of the line have no place in a record.
    """

    when: int
    hops: list[str] = field(default_factory=list[str])
    user: str = ""
    method: str = ""
    target: str = ""
    status: int = 0
    bytes_out: int = -1
    latency_ms: int = -1
    agent: str = ""
    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    dropped: int = 0
