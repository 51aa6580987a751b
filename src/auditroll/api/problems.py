"""Errors over HTTP as problem details, and nothing else: no stack trace, no echo of the input."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from auditroll.errors import CollectorError, Error

__all__ = ["Refusal", "install", "problem_response"]

MEDIA_TYPE = "application/problem+json"


class Refusal(HTTPException):
    """Carries an error through the framework, which lets only its own exceptions pass unchanged.

    Args:
        reason: What is answered.
    """

    def __init__(self, reason: Error) -> None:
        super().__init__(reason.status)
        self.reason = reason


def problem_response(error: Error) -> Response:
    """Return the answer for `error`.

    Source: RFC 9457 section 3; RFC 6750 section 3 for `WWW-Authenticate`.
    """
    headers: dict[str, str] = {}
    if "retry_after" in error.details:
        headers["Retry-After"] = str(error.details["retry_after"])
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return _respond(error.problem(), headers)


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem."""
    app.add_exception_handler(Error, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unknown)


def _respond(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(body),
        status_code=body["status"],
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


async def _known(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Error)  # noqa: S101  narrows what the framework types loosely
    return problem_response(error)


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    places = sorted({_place(fault) for fault in error.errors()})
    body = {
        "type": "urn:auditroll:error:invalid-request",
        "title": "the request does not have the documented form",
        "status": 422,
        "code": "invalid-request",
        "places": places[:20],
    }
    return _respond(body)


def _place(fault: Mapping[str, Any]) -> str:
    """Return where a fault is, not what is there; an undeclared member's name is input, too."""
    parts = fault["loc"][:-1] if fault["type"] == "extra_forbidden" else fault["loc"]
    return ".".join(map(str, parts))


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    if isinstance(error, Refusal):
        return problem_response(error.reason)
    body = {
        "type": "about:blank",
        "title": str(error.detail),
        "status": error.status_code,
        "code": "http",
    }
    return _respond(body, dict(error.headers or {}))


async def _unknown(_request: Request, _error: Exception) -> Response:
    return problem_response(
        CollectorError("internal", "the collector failed", hint="Its operator finds the reason.")
    )
