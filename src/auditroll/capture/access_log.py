"""The server's access log: it would write the raw path, the query and the client's address."""

import logging
from typing import Final, Literal

__all__ = ["AccessLog", "guard_access_log"]

AccessLog = Literal["redact", "off", "keep"]

_UVICORN: Final = "uvicorn.access"
_WITHHELD: Final = "[REDACTED:PATH]"


class _Withhold(logging.Filter):
    """Takes address and path out of uvicorn's access records; method and status stay.

    A filter of the logger itself, because uvicorn's logger does not propagate and its handlers
    are replaced when the server starts; filters stay.
    """

    def __init__(self, *, drop: bool) -> None:
        super().__init__()
        self._drop = drop

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is kept, with what it must not show taken out."""
        if self._drop:
            return False
        args = record.args
        if isinstance(args, tuple) and len(args) == 5:
            _, method, _, version, status = args
            record.args = ("-", method, _WITHHELD, version, status)
            return True
        # Not the form we know: nothing of it can be vouched for.
        return False


def guard_access_log(choice: AccessLog) -> None:
    """Keep raw paths, queries and addresses out of uvicorn's access log.

    Args:
        choice: `redact` keeps method and status, `off` keeps nothing, `keep` changes nothing.
    """
    logger = logging.getLogger(_UVICORN)
    for old in [one for one in logger.filters if isinstance(one, _Withhold)]:
        logger.removeFilter(old)
    if choice != "keep":
        logger.addFilter(_Withhold(drop=choice == "off"))
