"""One thread that writes the vault: jobs that wait together are committed together."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

from auditroll.errors import CollectorError, Error

__all__ = ["MAX_GROUP", "Writer"]

Outcome = TypeVar("Outcome")

# Jobs in one transaction: bounds how long the first of them waits.
MAX_GROUP = 64


class _Job(NamedTuple):
    work: Callable[[sqlite3.Connection], Any]
    published: Callable[[Any], None]
    future: Future[Any]


class Writer:
    """The only user of a connection.

    Args:
        connection: In autocommit mode; closed by `close`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="vault-writer", daemon=True)
        self._thread.start()

    async def run(
        self,
        work: Callable[[sqlite3.Connection], Outcome],
        published: Callable[[Outcome], None] = lambda _: None,
    ) -> Outcome:
        """Run `work` in a transaction and return its outcome once that is durable.

        Args:
            work: Called in the writer's thread, inside a transaction it may share with others;
                raising undoes them all.
            published: Called in the writer's thread after the commit, in the order of the jobs.

        Raises:
            CollectorError: `vault-unavailable`, nothing was written.
        """
        future: Future[Outcome] = Future()
        self._jobs.put(_Job(work, published, future))
        return await asyncio.wrap_future(future)

    def scrub(self) -> None:
        """Drop the write-ahead log's copies of deleted rows; only `published` may call this."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Finish what waits, stop the thread, close the connection."""
        self._jobs.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            group, last = self._gather(job)
            self._commit([job for job in group if job.future.set_running_or_notify_cancel()])
            if last:
                return

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        """Return what waits now, and whether `close` was among it."""
        group = [first]
        while len(group) < MAX_GROUP:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return group, True
            group.append(job)
        return group, False

    def _commit(self, group: list[_Job]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                outcomes = [job.work(self._connection) for job in group]
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
        except Exception as error:  # noqa: BLE001 - every waiter learns it, the thread lives on
            self._fail(group, error)
            return
        for job, outcome in zip(group, outcomes, strict=True):
            try:
                job.published(outcome)
            except Exception as error:  # noqa: BLE001 - durable, but the waiter must not go on
                self._fail([job], error)
            else:
                job.future.set_result(outcome)

    def _fail(self, group: list[_Job], error: Exception) -> None:
        told = error
        if not isinstance(error, Error):
            told = CollectorError(
                "vault-unavailable",
                "the vault could not be written",
                hint="Nothing was acknowledged; look at the collector's disk.",
            )
            told.__cause__ = error
        for job in group:
            job.future.set_exception(told)
