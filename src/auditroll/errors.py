"""The exception tree, split by who is at fault.

::

Error:
    ├── ProducerError     what was sent is wrong (HTTP 4xx)
    ├── AccessError       who asks may not (401, 403)
    ├── PolicyError       a configured rule forbids it, or the configuration itself is unsafe
    ├── CollectorError    our side failed; nothing was acknowledged (5xx)
    └── IntegrityError    the evidence does not hold
"""

from typing import Any, ClassVar

__all__ = [
    "AccessError",
    "CollectorError",
    "Error",
    "IntegrityError",
    "PolicyError",
    "ProducerError",
]


class Error(Exception):
    """Base of every error auditroll raises on purpose.

    Args:
        code: Stable, documented identifier (``docs/reference/errors.md``), lower case with dashes.
        message: What happened, for a person; holds no personal data.
        hint: What to do next, for a person.
        status: HTTP status of the RFC 9457 answer; the class's default when absent.
        details: Further members of the answer: JSON values without personal data.
    """

    default_status: ClassVar[int] = 500

    def __init__(
        self, code: str, message: str, *, hint: str = "", status: int = 0, **details: Any
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.status = status or self.default_status
        self.details = details

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]"

    def diagnostics(self) -> str:
        """Return what happened and what a person does next, one paragraph each."""
        return f"{self}\n{self.hint}" if self.hint else str(self)

    def problem(self) -> dict[str, Any]:
        """Return the problem details object.

        Source: RFC 9457 section 3.1.
        """
        body: dict[str, Any] = {
            "type": f"urn:auditroll:error:{self.code}",
            "title": self.message,
            "status": self.status,
            "code": self.code,
        }
        if self.hint:
            body["detail"] = self.hint
        return body | self.details


class ProducerError(Error):
    """What was sent is wrong; sending the same again fails the same way."""

    default_status = 400


class AccessError(Error):
    """The caller is not known, or may not do this."""

    default_status = 403


class PolicyError(Error):
    """A configured rule forbids this, or the configuration is unsafe to start with."""

    default_status = 409


class CollectorError(Error):
    """Our side failed. Nothing was acknowledged; the caller keeps its copy and tries again."""

    default_status = 503


class IntegrityError(Error):
    """Evidence does not verify: altered, missing, rolled back or torn."""

    default_status = 500
