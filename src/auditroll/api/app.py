"""The application: routes, errors, headers."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from starlette.routing import BaseRoute

from auditroll.api import ingest, operations, problems, producers, records, session, streams
from auditroll.api.gate import Gate
from auditroll.api.headers import AnswerHeaders
from auditroll.api.state import Reader, Services

__all__ = ["create_app"]


def create_app(
    services: Services,
    *,
    hosts: Sequence[str],
    content_security_policy: str,
    pages: Sequence[BaseRoute] = (),
) -> AnswerHeaders:
    """Return the HTTP application of one installation; inside stands the framework's.

    Args:
        services: The parts it speaks to.
        hosts: Names a request may be addressed to; others may be a rebound DNS name.
        content_security_policy: For every answer.
        pages: Routes of the console.
    """
    app = FastAPI(
        title="auditroll",
        version=version("auditroll"),
        description="Search, proofs and evidence of one auditroll installation.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.services = services
    problems.install(app)
    app.router.routes.extend(ingest.routes(services))
    for part in (session, records, streams, producers, operations):
        app.include_router(part.router)

    @app.get("/v1/openapi.json", include_in_schema=False)
    async def openapi(_principal: Reader) -> dict[str, Any]:
        return app.openapi()

    app.router.routes.extend(pages)
    app.add_middleware(Gate, hosts=hosts, unlimited=[ingest.EVENTS])
    return AnswerHeaders(app, content_security_policy)
