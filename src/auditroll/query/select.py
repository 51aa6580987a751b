"""Selecting rows: conditions over the candidate windows, run by DuckDB."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

import duckdb
import numpy as np

from auditroll.errors import IntegrityError
from auditroll.query.cover import Window
from auditroll.query.cursor import Position
from auditroll.query.filters import Condition
from auditroll.query.model import Order, Range
from auditroll.query.parts import Part
from auditroll.segment.arrow import Table, pa

__all__ = ["Hit", "Question", "Selector"]

# The first wave of windows, in rows; each further wave is twice as large.
FIRST_WAVE_ROWS: Final = 131_072
Task = TypeVar("Task")
Result = TypeVar("Result")
_SETTINGS: Final = (
    "SET enable_external_access = false",
    "SET python_enable_replacements = false",
    "SET lock_configuration = true",
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A row found.

    Args:
        time: Event time, milliseconds.
        rank: Place of its stream among those searched.
        index: In the stream.
        part: The part that holds it.
    """

    time: int
    rank: int
    index: int
    part: Part

    @property
    def key(self) -> tuple[int, int, int]:
        """What the order of rows goes by."""
        return self.time, self.rank, self.index

    @property
    def row(self) -> int:
        """Its place in the part."""
        return self.index - self.part.first


class Question(NamedTuple):
    """What rows are wanted.

    Args:
        conditions: All must hold.
        time_from: Least event time; None for no bound.
        time_to: Event time after the range; None for no bound.
        order: By event time, stream, index.
        after: Only rows after this one, in that order.
        ranks: Place of each stream in the order of streams.
        limit: Rows at most.
    """

    conditions: Sequence[Condition]
    time_from: int | None
    time_to: int | None
    order: Order
    after: Position | None
    ranks: Mapping[str, int]
    limit: int

    @property
    def newest(self) -> bool:
        """Whether later rows come first."""
        return self.order == "newest"


class Selector:
    """Runs questions. Safe for several threads.

    Args:
        threads: Threads that decode columns, and that DuckDB uses.
    """

    def __init__(self, threads: int = 2) -> None:
        self._connection = duckdb.connect(":memory:", config={"threads": threads})
        for setting in _SETTINGS:
            self._connection.execute(setting)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="auditroll-query")

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown()
        self._connection.close()

    def map(self, work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """Do the work on every task with the selector's threads; results in the tasks' order."""
        return self._pool.map(work, tasks)

    def select(
        self, question: Question, windows: Iterable[Window]
    ) -> tuple[list[Hit], list[Range]]:
        """Return the first rows in the question's order, and what could not be read.

        Windows are read in waves, those that begin the order before the others, until no further
        one can hold a row that belongs to the answer.
        """
        candidates = [window for window in windows if _in_time(question, window.part)]
        candidates.sort(key=lambda window: _bound(question, window.part))
        hits: list[Hit] = []
        damaged: list[Range] = []
        for wave in _waves(candidates):
            if len(hits) == question.limit and _beyond(question, wave[0].part, hits[-1]):
                break
            tables = list(self.map(partial(_table, question), wave))
            damaged += [table for table in tables if isinstance(table, Range)]
            hits += self._matches(question, wave, tables)
            hits.sort(key=lambda hit: hit.key, reverse=question.newest)
            del hits[question.limit :]
        return hits, damaged

    def _matches(
        self, question: Question, wave: Sequence[Window], tables: Sequence[Table | Range]
    ) -> list[Hit]:
        numbered = [
            table.append_column("_part", pa.array(np.full(table.num_rows, number, np.int32)))
            for number, table in enumerate(tables)
            if not isinstance(table, Range)
        ]
        if not numbered:
            return []
        sql, values = _statement(question)
        with self._connection.cursor() as cursor:
            cursor.register("candidates", pa.concat_tables(numbered))
            rows: list[tuple[int, int, int, int]] = cursor.execute(sql, values).fetchall()
        return [Hit(time, rank, index, wave[number].part) for time, rank, index, number in rows]


def _statement(question: Question) -> tuple[str, dict[str, Any]]:
    """Return the SQL and its values; no text of the question is in the SQL."""
    tests = [condition.sql for condition in question.conditions]
    values: dict[str, Any] = {"limit": question.limit}
    for condition in question.conditions:
        values |= condition.values
    if question.time_from is not None:
        tests.append('"timestamp" >= $time_from')
        values["time_from"] = question.time_from
    if question.time_to is not None:
        tests.append('"timestamp" < $time_to')
        values["time_to"] = question.time_to
    if question.after is not None:
        time, stream, index = question.after
        sign = "<" if question.newest else ">"
        tests.append(
            f'("timestamp" {sign} $time OR ("timestamp" = $time AND'
            f' (_rank {sign} $rank OR (_rank = $rank AND "index" {sign} $index))))'
        )
        values |= {"time": time, "rank": question.ranks[stream], "index": index}
    where = " AND ".join(tests) or "true"
    way = "DESC" if question.newest else "ASC"
    sql = (
        f'SELECT "timestamp", _rank, "index", _part FROM candidates WHERE {where}'  # noqa: S608
        f' ORDER BY "timestamp" {way}, _rank {way}, "index" {way} LIMIT $limit'
    )
    return sql, values


def _table(question: Question, window: Window) -> Table | Range:
    """Return the columns that the question reads, of a window's rows."""
    part, start, stop = window
    names = sorted({"timestamp", *(condition.field for condition in question.conditions)})
    try:
        columns = dict(part.columns(names))
    except IntegrityError as error:
        return Range(part.stream, part.first + start, part.first + stop, error.code)
    indices = np.arange(part.first, part.first + part.rows, dtype=np.int64)
    columns["index"] = pa.array(indices)
    columns["_rank"] = pa.array(np.full(part.rows, question.ranks[part.stream], np.int32))
    return pa.table(columns).slice(start, stop - start)


def _in_time(question: Question, part: Part) -> bool:
    """Return whether the part can hold rows of the time range, after the last row shown."""
    least, greatest = question.time_from, question.time_to
    if question.after is not None:
        last = question.after[0]
        if part.time_min > last if question.newest else part.time_max < last:
            return False
    return (least is None or part.time_max >= least) and (
        greatest is None or part.time_min < greatest
    )


def _bound(question: Question, part: Part) -> int:
    """Return how early in the order a row of the part can stand."""
    return -part.time_max if question.newest else part.time_min


def _beyond(question: Question, part: Part, last: Hit) -> bool:
    """Return whether every row of the part comes after `last` in the order."""
    return part.time_max < last.time if question.newest else part.time_min > last.time


def _waves(windows: Sequence[Window]) -> Iterator[Sequence[Window]]:
    start, room = 0, FIRST_WAVE_ROWS
    while start < len(windows):
        stop, rows = start, 0
        while stop < len(windows) and (stop == start or rows < room):
            rows += windows[stop].stop - windows[stop].start
            stop += 1
        yield windows[start:stop]
        start, room = stop, 2 * room
