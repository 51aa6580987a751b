"""How far an epoch is archived, also behind records that its own spool has lost."""

from bisect import insort
from collections.abc import Iterable

from auditroll.spool import LostRange
from auditroll.wire import Answer

__all__ = ["Progress"]


class Progress:
    """What the collector said of one epoch.

    A hole that the spool lost stops `archived_through` for ever. Behind it a record counts as
    archived when it was acknowledged by a collector for which that is the same.

    Args:
        through: From the cursor.
    """

    def __init__(self, through: int) -> None:
        self.through = through
        self._said = -1
        self._acknowledged: list[tuple[int, int]] = []

    def answered(self, first: int, last: int, answer: Answer) -> bool:
        """Take in an acknowledgement of [first, last]; False when the collector went back.

        A collector that is behind what it said before was restored from an older state.
        """
        went_back = answer.archived_through < self._said
        self._said = answer.archived_through
        if went_back:
            self.through = answer.archived_through
            self._acknowledged.clear()
        if answer.archived_through == answer.durable_through:
            insort(self._acknowledged, (first, last))
        return not went_back

    def advance(self, archived_through: int, lost: Iterable[LostRange]) -> int:
        """Return the number up to which everything that is there may go.

        Args:
            archived_through: As the collector says.
            lost: What the spool has lost.
        """
        through = max(self.through, archived_through)
        spans = sorted([*self._acknowledged, *lost])
        for first, last in spans:
            if first <= through + 1:
                through = max(through, last)
        self._acknowledged = [span for span in self._acknowledged if span[1] > through]
        self.through = through
        return through
