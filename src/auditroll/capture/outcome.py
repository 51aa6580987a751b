"""How a response ended, as a record tells it."""

import asyncio
from typing import Final, Literal

__all__ = ["DENIED", "Outcome", "judge"]

Outcome = Literal["ok", "denied", "error", "aborted_client", "aborted_server", "unknown"]

DENIED: Final = frozenset({401, 403})

# Nothing was sent: 499 is what gateways log for a client that left, 500 what a server then sends.
_CLIENT_LEFT: Final = 499
_NO_ANSWER: Final = 500


def judge(
    status: int, *, complete: bool, left: bool, error: BaseException | None
) -> tuple[int, Outcome]:
    """Return the status to record and the outcome.

    Args:
        status: Status that was sent, 0 when none was.
        complete: The last octet of the body was handed to the server.
        left: The client was seen to leave before that.
        error: What the application raised, a cancellation included.

    Source: format reference section 5.2, `outcome`: 401 and 403 are denied, no status of 400 and
    above is ok; a response cut short is ok at no status.
    """
    if status in DENIED:
        return status, "denied"
    if left:
        return status or _CLIENT_LEFT, "aborted_client"
    if error is not None:
        cancelled = isinstance(error, asyncio.CancelledError | GeneratorExit | KeyboardInterrupt)
        return status or _NO_ANSWER, "aborted_server" if cancelled else "error"
    if not complete:
        return status or _NO_ANSWER, "aborted_server" if status else "error"
    return status, "ok" if status < 400 else "error"
