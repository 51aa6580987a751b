"""The routes of the console and the headers it is served with."""

from pathlib import Path

from starlette.responses import FileResponse, RedirectResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

__all__ = ["CONTENT_SECURITY_POLICY", "routes"]

STATIC = Path(__file__).parent / "static"

# Source: W3C Content Security Policy Level 3. Nothing but this origin's own files and API.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)


async def _index(_request: object) -> FileResponse:
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-store"})


async def _home(_request: object) -> RedirectResponse:
    return RedirectResponse("/console/", status_code=307)


def routes() -> list[BaseRoute]:
    """Return the console's routes; its data comes from the API under the session cookie."""
    return [
        Route("/", _home),
        Route("/console", _home),
        Route("/console/", _index),
        Mount("/console/static", StaticFiles(directory=STATIC), name="console-static"),
    ]
