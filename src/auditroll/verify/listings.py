"""What the root says of the other streams: their heads, in the order it listed them."""

from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any, Final, NamedTuple, cast

from auditroll.verify.report import Finding

__all__ = ["Listing", "Listings", "heads_of"]

# Root leaves that came out of order wait here for those before them.
_WINDOW: Final = 65_536


class Listing(NamedTuple):
    """A head that the root lists.

    Args:
        size: Number of leaves.
        root: 64 hex digits.
    """

    size: int
    root: str


class Listings:
    """The newest listing of every stream, and what the listings contradict."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._newest: dict[str, Listing] = {}
        self._waiting: list[tuple[int, list[tuple[str, Listing]]]] = []
        self._next = 0

    def read(self, leaf: Mapping[str, Any]) -> None:
        """Take over a leaf of the root; they are judged in the order of the root."""
        heads = list(heads_of(leaf)) if leaf.get("event_type") == "root.heads" else []
        heappush(self._waiting, (leaf["index"], heads))
        while self._waiting and (self._waiting[0][0] <= self._next or len(self._waiting) > _WINDOW):
            self._take()

    def last(self, stream: str) -> Listing | None:
        """Return the newest listing of a stream, once every root leaf was added."""
        while self._waiting:
            self._take()
        return self._newest.get(stream)

    def _take(self) -> None:
        index, heads = heappop(self._waiting)
        self._next = max(self._next, index + 1)
        for stream, listing in heads:
            before = self._newest.get(stream)
            if before is not None and listing.size < before.size:
                self.findings.append(Finding("rolled-back", stream, listing.size, before.size))
            elif before is not None and listing.size == before.size and listing != before:
                self.findings.append(Finding("forked", stream, 0, listing.size))
            self._newest[stream] = listing


def heads_of(leaf: Mapping[str, Any]) -> Iterator[tuple[str, Listing]]:
    """Yield what a leaf lists; entries of another form list nothing."""
    heads = leaf.get("heads")
    for head in cast("Sequence[Any]", heads) if isinstance(heads, list) else ():
        if not isinstance(head, dict):
            continue
        entry = cast("dict[str, Any]", head)
        stream, size, root = entry.get("stream"), entry.get("size"), entry.get("root")
        if isinstance(stream, str) and isinstance(root, str) and type(size) is int:
            yield stream, Listing(size, root)
