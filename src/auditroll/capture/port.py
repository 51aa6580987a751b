"""What capture needs of the recorder, and nothing more."""

from collections.abc import Mapping
from typing import Any, Protocol

from auditroll.capture.routes import Mode

__all__ = ["Recorder"]


class Recorder(Protocol):
    """Takes the fields of one event, numbers them, and keeps them."""

    def record(self, fields: Mapping[str, Any], *, mode: Mode | None = None) -> None:
        """Keep one event, identities in clear; never raises.

        Where nothing is said, the actor is `anonymous` and `human`.
        """
        ...

    def sync(self) -> bool:
        """Make every event recorded so far survive power loss; False when that failed."""
        ...

    def seal_user(self, identity: str) -> str:
        """Return an identity, sealed, as text that `record` takes as a user's id."""
        ...
