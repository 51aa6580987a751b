"""One writer of the vault: jobs that wait together are committed together.

Statements run on the event loop's thread and only the commit, which waits for the disk, on another.
A thread that ran the statements would fight the loop for the interpreter at each of them.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from auditroll.errors import CollectorError, Error

__all__ = ["MAX_GROUP", "Writer"]

Outcome = TypeVar("Outcome")
Work = Callable[[sqlite3.Connection], Awaitable[Outcome]]

# Jobs in one transaction: bounds how long the first of them waits.
MAX_GROUP = 64


class _Job(NamedTuple):
    work: Work[Any]
    published: Callable[[Any], None]
    future: "asyncio.Future[Any]"


class Writer:
    """The only user of a connection; for one event loop.

    Args:
        connection: In autocommit mode; closed by `close`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._committer = ThreadPoolExecutor(1, "vault-commit")
        self._waiting: list[_Job] = []
        self._running: asyncio.Task[None] | None = None

    async def run(
        self, work: Work[Outcome], published: Callable[[Outcome], None] = lambda _: None
    ) -> Outcome:
        """Run `work` in a transaction and return its outcome once that is durable.

        Args:
            work: Awaited inside a transaction it may share with others; raising undoes them all.
            published: Called after the commit, in the order of the jobs.

        Raises:
            CollectorError: `vault-unavailable`, nothing was written.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._waiting.append(_Job(work, published, future))
        if self._running is None:
            self._running = loop.create_task(self._run())
        return await future

    def scrub(self) -> None:
        """Drop the write-ahead log's copies of deleted rows; only `published` may call this."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Finish a commit under way and close the connection; what still waits is undone."""
        self._committer.shutdown()
        self._connection.close()

    async def _run(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
            try:
                outcomes = await self._commit(group)
            except Exception as error:  # noqa: BLE001 - every waiter learns it, the writer lives on
                _fail(group, error)
                continue
            for job, outcome in zip(group, outcomes, strict=True):
                _publish(job, outcome)
        self._running = None

    async def _commit(self, group: list[_Job]) -> list[Any]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes = [await job.work(self._connection) for job in group]
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._committer, self._connection.execute, "COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return outcomes


def _publish(job: _Job, outcome: Any) -> None:
    try:
        job.published(outcome)
    except Exception as error:  # noqa: BLE001 - durable, but the waiter must not go on
        _fail([job], error)
        return
    if not job.future.done():
        job.future.set_result(outcome)


def _fail(group: list[_Job], error: Exception) -> None:
    told = error
    if not isinstance(error, Error):
        told = CollectorError(
            "vault-unavailable",
            "the vault could not be written",
            hint="Nothing was acknowledged; look at the collector's disk.",
        )
        told.__cause__ = error
    for job in group:
        if not job.future.done():
            job.future.set_exception(told)
