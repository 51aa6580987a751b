"""Errors over HTTP as problem details, and nothing else: no stack trace, no echo of the input."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from auditroll.errors import CollectorError, Error

__all__ = ["install", "problem_response"]

MEDIA_TYPE = "application/problem+json"


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
    # Where, not what: the value may be personal.
    places = sorted({".".join(str(part) for part in fault["loc"]) for fault in error.errors()})
    body = {
        "type": "urn:auditroll:error:invalid-request",
        "title": "the request does not have the documented form",
        "status": 422,
        "code": "invalid-request",
        "places": places[:20],
    }
    return _respond(body)


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
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
