"""Putting the outermost layer around an application, and keeping it outermost."""

from collections.abc import Callable
from typing import Any, Final

from auditroll.capture.asgi import ASGIApp, AuditedApp, Life
from auditroll.capture.capture import Capture
from auditroll.errors import PolicyError

__all__ = ["attach", "capture_of", "uncovered"]

# By the id of the application, which is kept alive so that its id stays its own.
_attached: Final[dict[int, tuple[Any, Capture]]] = {}


def attach(app: Any, capture: Capture, life: Life | None = None) -> Any:
    """Return the application with every request recorded.

    Starlette, FastAPI and Litestar applications are changed in place and returned, so that
    `module:app` needs no other name; middleware added later stays inside. Any other ASGI callable
    is wrapped.

    Args:
        app: The application.
        capture: What all its requests share.
        life: Told when the server starts the application and when it has shut it down.
    """
    _attached[id(app)] = (app, capture)
    if hasattr(app, "build_middleware_stack"):
        return _attach_starlette(app, capture, life)
    if hasattr(app, "asgi_handler") and hasattr(app, "on_shutdown"):
        return _attach_litestar(app, capture, life)
    return AuditedApp(app, capture, life)


def capture_of(app: Any) -> Capture:
    """Return what records an application's requests.

    Raises:
        PolicyError: `not-instrumented`.
    """
    found = _attached.get(id(app))
    if found is None:
        raise PolicyError(
            "not-instrumented",
            "this application is not instrumented",
            hint="Call auditroll.instrument(app, ...) first.",
        )
    return found[1]


def uncovered(app: Any) -> list[str]:
    """Return the routes of an instrumented application that the audit knows nothing about.

    A route is covered if its template names a resource, or it has a `Route` or an `AuditExempt`.
    """
    return capture_of(app).uncovered()


def _attach_starlette(app: Any, capture: Capture, life: Life | None) -> Any:
    """Wrap whatever stack is built, when it is built: at the first request or lifespan event."""
    build: Callable[[], ASGIApp] = app.build_middleware_stack

    def build_audited() -> ASGIApp:
        return AuditedApp(build(), capture, life)

    app.build_middleware_stack = build_audited
    if app.middleware_stack is not None:
        app.middleware_stack = AuditedApp(app.middleware_stack, capture, life)
    return app


def _attach_litestar(app: Any, capture: Capture, life: Life | None) -> Any:
    app.asgi_handler = AuditedApp(app.asgi_handler, capture)
    if life is not None:
        app.on_startup.append(life.start)
        app.on_shutdown.append(life.close)
    return app
