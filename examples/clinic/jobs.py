"""A queue between processes: one SQLite table."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

__all__ = ["Job", "Queue"]


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work.

    Args:
        number: Its place in the queue.
        body: What to do.
        carried: What `audit.carry` returned where it was queued.
    """

    number: int
    body: Mapping[str, str]
    carried: Mapping[str, str]


class Queue:
    """The queue in a file.

    Args:
        path: The file; made when absent.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS jobs"
                " (number INTEGER PRIMARY KEY, body TEXT, carried TEXT, done INTEGER DEFAULT 0)"
            )

    def put(self, body: Mapping[str, str], carried: Mapping[str, str]) -> None:
        """Add a job."""
        with self._open() as database:
            database.execute(
                "INSERT INTO jobs (body, carried) VALUES (?, ?)",
                (orjson.dumps(body).decode(), orjson.dumps(carried).decode()),
            )

    def next(self) -> Job | None:
        """Return the oldest job that is not done; there is one worker."""
        with self._open() as database:
            row = database.execute(
                "SELECT number, body, carried FROM jobs WHERE done = 0 ORDER BY number LIMIT 1"
            ).fetchone()
        return Job(row[0], orjson.loads(row[1]), orjson.loads(row[2])) if row else None

    def done(self, job: Job) -> None:
        """Mark a job as done."""
        with self._open() as database:
            database.execute("UPDATE jobs SET done = 1 WHERE number = ?", (job.number,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10)) as database, database:
            yield database
