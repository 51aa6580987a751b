"""Searches that a page repeats while somebody watches: one record, not one a second."""

from typing import Final

__all__ = ["RECORD_AGAIN_MS", "Watched"]

RECORD_AGAIN_MS: Final = 5 * 60_000
# Forgetting one costs a further record, never a missing one.
MAX_WATCHED: Final = 1_000


class Watched:
    """Knows which watched searches were recorded a short while ago.

    Whether a search is recorded is decided here and not by the caller, who can only ask that the
    same search by the same person is not recorded each time.
    """

    def __init__(self) -> None:
        self._recorded: dict[tuple[str, str], int] = {}

    def begins(self, principal: str, search: str, now: int) -> bool:
        """Tell whether this search must be recorded now, and take it that it is.

        Args:
            principal: Id of who searches.
            search: All that it asks for.
            now: Milliseconds since 1970.
        """
        key = (principal, search)
        if now - self._recorded.get(key, -RECORD_AGAIN_MS) < RECORD_AGAIN_MS:
            return False
        self._recorded.pop(key, None)
        self._recorded[key] = now
        if len(self._recorded) > MAX_WATCHED:
            del self._recorded[next(iter(self._recorded))]
        return True
