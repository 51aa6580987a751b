"""What capture needs of the recorder, and nothing more."""

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["Recorder"]


class Recorder(Protocol):
    """Takes the fields of one event, numbers them, and keeps them."""

    def record(self, fields: Mapping[str, Any]) -> None:
        """Keep one event; never raises."""
        ...

    def sync(self) -> bool:
        """Make every event recorded so far survive power loss; False when that failed."""
        ...
