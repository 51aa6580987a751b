"""One object for everything that decides who may do what."""

from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from auditroll.access.accounts import Accounts
from auditroll.access.database import open_control
from auditroll.access.producers import Producers
from auditroll.access.roles import Principal
from auditroll.access.secret import PRODUCER_PREFIX, SESSION_PREFIX
from auditroll.access.sessions import Sessions
from auditroll.access.tenants import Tenants
from auditroll.access.tokens import Tokens
from auditroll.disk import Disk

__all__ = ["Control"]


class Control:
    """The control database, opened.

    Args:
        engine: From `open_control`.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.tenants = Tenants(engine)
        self.producers = Producers(engine)
        self.tokens = Tokens(engine)
        self.accounts = Accounts(engine)
        self.sessions = Sessions(engine)

    @classmethod
    def open(cls, folder: Path, disk: Disk | None = None) -> Self:
        """Open the database in `folder`, the data folder's `control/`.

        Raises:
            PolicyError: `schema-version`, the file was written by a newer auditroll.
        """
        return cls(open_control(folder, disk))

    def authenticate(self, secret: str) -> Principal:
        """Return who a bearer secret of any kind belongs to.

        A producer's key is known here as well, so that `require` can refuse it by its role.

        Raises:
            AccessError: `unauthenticated` (401).
        """
        if secret.startswith(PRODUCER_PREFIX):
            return self.producers.authenticate(secret).principal()
        if secret.startswith(SESSION_PREFIX):
            return self.sessions.authenticate(secret).principal
        return self.tokens.authenticate(secret)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
