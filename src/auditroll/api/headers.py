"""What every answer carries: the security headers, and the session's cookie when it changed."""

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["COOKIE_STATE", "AnswerHeaders"]

# Source: OWASP ASVS 5.0, chapter V3 (web frontend security).
COMMON: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
COOKIE_STATE: Final = "session_cookie"


class AnswerHeaders:
    """Adds the headers to every HTTP answer, also to that of an error nobody expected.

    It stands outside the framework, which answers such errors outside all of its middleware. A
    cookie comes from the request's state: whatever a route answers, a turned token is not lost.

    Args:
        app: The application inside.
        content_security_policy: For every answer; data cannot become a page.
    """

    def __init__(self, app: ASGIApp, content_security_policy: str) -> None:
        self.app = app
        self._headers = {**COMMON, "Content-Security-Policy": content_security_policy}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/v1/"):
                    headers.setdefault("Cache-Control", "no-store")
                if COOKIE_STATE in state:
                    headers.append("Set-Cookie", state[COOKIE_STATE])
            await send(message)

        await self.app(scope, receive, with_headers)
