"""The query engine: search over the unsealed tail and the sealed segments."""

import secrets
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from auditroll.disk import Disk
from auditroll.errors import AccessError, IntegrityError, ProducerError
from auditroll.query.catalogue import Catalogue
from auditroll.query.columns import ColumnCache
from auditroll.query.cover import Cover, cover
from auditroll.query.cursor import Cursor, open_cursor, seal_cursor
from auditroll.query.filters import compiled
from auditroll.query.model import MAX_LIMIT, Filter, Page, Pinned, Query, Range, invalid
from auditroll.query.parts import Part, may_match
from auditroll.query.records import of_tenant, records
from auditroll.query.sealed import SealedSegments
from auditroll.query.select import Hit, Question, Selector
from auditroll.query.source import Snapshot, Source
from auditroll.query.tail import Tails
from auditroll.segment.rows import lines_of
from auditroll.tlog.line import Line

__all__ = ["Engine"]


class Engine:
    """Answers queries on one installation. Safe for several threads.

    Args:
        source: The sequencer and the store.
        derived: The data folder's `derived/`; the catalogue lies there.
        disk: File operations.
        cursor_key: Authenticates cursors; with one of 32 random octets per engine, cursors end
            with it.
        cache: Decoded columns; 512 MiB when absent.
    """

    def __init__(
        self,
        source: Source,
        derived: Path,
        *,
        disk: Disk | None = None,
        cursor_key: bytes = b"",
        cache: ColumnCache | None = None,
    ) -> None:
        self._source = source
        self._catalogue = Catalogue(derived / "catalogue", disk)
        self._sealed = SealedSegments(source, self._catalogue, cache or ColumnCache())
        self._tails = Tails(source)
        self._selector = Selector()
        self._cursor_key = cursor_key or secrets.token_bytes(32)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the engine's threads."""
        self._selector.close()

    def search(self, query: Query) -> Page:
        """Return one page of the tenant's records that fulfil all filters.

        The first page pins the size of every stream; further pages show the same state, whatever
        is appended meanwhile.

        Raises:
            ProducerError: `query-invalid` or `cursor-invalid`.
            IntegrityError: `tenant-mixed`.
        """
        if not 1 <= query.limit <= MAX_LIMIT:
            raise invalid(f"the limit is 1 to {MAX_LIMIT}")
        conditions = compiled(query.filters)
        cursor = open_cursor(self._cursor_key, query)
        pinned = _pinned(query, self._source.snapshot(), cursor)
        streams = sorted(pinned.streams)
        question = Question(
            conditions=conditions,
            time_from=query.time_from,
            time_to=query.time_to,
            order=query.order,
            after=cursor.position if cursor else None,
            ranks={stream: rank for rank, stream in enumerate(streams)},
            # One more than shown tells whether there are more.
            limit=query.limit + 1,
        )
        covers = [self._cover(stream, pinned.streams[stream]) for stream in streams]
        windows = [
            window
            for found in covers
            for window in found.windows
            if may_match(window.part, query.filters)
        ]
        hits, damaged = self._selector.select(question, windows)
        unreadable = [gap for found in covers for gap in found.unreadable] + damaged
        return self._page(query, pinned, streams, hits, unreadable)

    def rows(self, query: Query) -> Iterator[dict[str, Any]]:
        """Yield every row of a search, page after page, all of one pinned state.

        Raises:
            ProducerError: `query-invalid` or `cursor-invalid`.
            IntegrityError: `incomplete`: a part of the log cannot be read. What was yielded
                before is not the whole answer.
        """
        page = self.search(replace(query, limit=MAX_LIMIT))
        while True:
            if page.unreadable:
                raise IntegrityError("incomplete", "a part of the log cannot be read")
            yield from page.rows
            if page.cursor is None:
                return
            page = self.search(replace(query, limit=MAX_LIMIT, cursor=page.cursor))

    def trace(self, tenant: str, request_id: str, *, limit: int = MAX_LIMIT) -> Page:
        """Return the records of one request across all services, oldest first.

        Raises:
            ProducerError: `query-invalid`.
        """
        filters = [Filter("request_id", "eq", request_id)]
        return self.search(Query(tenant, filters, order="oldest", limit=limit))

    def line(self, tenant: str, stream: str, index: int) -> Line:
        """Return one record with its opening.

        Raises:
            AccessError: `record-unknown` (404): there is no such record of this tenant.
            IntegrityError: The segment that holds it cannot be read.
        """
        for line in islice(self.lines(tenant, stream, first=index, end=index + 1), 1):
            return line
        raise _unknown()

    def lines(
        self, tenant: str, stream: str, *, first: int = 0, end: int | None = None
    ) -> Iterator[Line]:
        """Yield a stream's lines in order, one part in memory at a time.

        Args:
            tenant: Whose stream it must be; empty for the root stream.
            stream: Stream id.
            first: Index of the first line.
            end: Index after the last; the size of this moment when absent or greater.

        Raises:
            AccessError: `record-unknown` (404): the tenant has no such stream.
            IntegrityError: `segment-altered`, `key-unknown` or `incomplete`: a part that was
                asked for cannot be read.
        """
        head = self._source.snapshot().streams.get(stream)
        if head is None or head.tenant != tenant:
            raise _unknown()
        stop = head.size if end is None else min(end, head.size)
        found = self._cover(stream, stop)
        for gap in found.unreadable:
            if gap.end > first and gap.code != "absent":
                raise IntegrityError(gap.code, f"records {gap.first} to {gap.end} are unreadable")
        for part, start, until in found.windows:
            begin = max(start, first - part.first)
            if begin < until:
                yield from lines_of(part.line_table().slice(begin, until - begin))

    def refresh(self) -> None:
        """Build the catalogue entries that lack, so that no search has to; call it now and then.

        Damaged segments are left out: searches name them.
        """
        for stream in self._source.snapshot().streams:
            self._sealed.parts(stream)

    def status(self) -> Mapping[str, int]:
        """Return how many catalogue entries were built since the start, by the reason why."""
        return {reason: len(names) for reason, names in self._catalogue.built.items()}

    def _cover(self, stream: str, size: int) -> Cover:
        return cover(self._sealed, self._tails, stream, size)

    def _page(
        self,
        query: Query,
        pinned: Pinned,
        streams: Sequence[str],
        hits: list[Hit],
        unreadable: list[Range],
    ) -> Page:
        more = len(hits) > query.limit
        shown = hits[: query.limit]
        rows, damaged = self._rows(shown)
        cursor = None
        if more:
            last = shown[-1]
            cursor = seal_cursor(
                self._cursor_key,
                query,
                pinned.root_checkpoint,
                pinned.streams,
                (last.time, streams[last.rank], last.index),
            )
        return Page(of_tenant(rows, query.tenant), cursor, more, pinned, unreadable + damaged)

    def _rows(self, hits: Sequence[Hit]) -> tuple[list[dict[str, Any]], list[Range]]:
        """Return the rows in the order of the hits, and the parts that turned out damaged."""
        places: defaultdict[Part, list[int]] = defaultdict(list)
        for number, hit in enumerate(hits):
            places[hit.part].append(number)
        wanted = [(part, [hits[at].row for at in numbers]) for part, numbers in places.items()]
        rows: dict[int, dict[str, Any]] = {}
        damaged: list[Range] = []
        read = self._selector.map(_records, wanted)
        for numbers, found in zip(places.values(), read, strict=True):
            if isinstance(found, Range):
                damaged.append(found)
            else:
                rows.update(zip(numbers, found, strict=True))
        return [rows[number] for number in sorted(rows)], damaged


def _records(wanted: tuple[Part, Sequence[int]]) -> list[dict[str, Any]] | Range:
    part, rows = wanted
    try:
        return records(part, rows)
    except IntegrityError as error:
        return Range(part.stream, part.first, part.first + part.rows, error.code)


def _pinned(query: Query, now: Snapshot, cursor: Cursor | None) -> Pinned:
    """Return the state that the page shows: the cursor's, else the present one."""
    mine = {
        stream: head.size for stream, head in now.streams.items() if head.tenant == query.tenant
    }
    if unknown := set(query.streams) - mine.keys():
        raise invalid(f"no stream {min(unknown)[:32]!r}")
    if cursor is None:
        chosen = query.streams or mine
        return Pinned(now.root_checkpoint, {stream: mine[stream] for stream in sorted(chosen)})
    if any(size > mine.get(stream, -1) for stream, size in cursor.sizes.items()):
        raise ProducerError("cursor-invalid", "the log is not the one that the cursor was made on")
    return Pinned(cursor.root_checkpoint, cursor.sizes)


def _unknown() -> AccessError:
    return AccessError("record-unknown", "there is no such record", status=404)
