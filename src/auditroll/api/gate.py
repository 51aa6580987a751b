"""What is refused before any route sees it: a foreign host name, a body that is too long."""

from collections.abc import Collection
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auditroll.api.problems import Refusal, problem_response
from auditroll.errors import AccessError, ProducerError

__all__ = ["MAX_REQUEST_OCTETS", "Gate"]

# Ten thousand stream ids, the longest request there is, are 350 kB.
MAX_REQUEST_OCTETS: Final = 2**20


class Gate:
    """Lets requests pass that are addressed to this server and are not too long.

    Args:
        app: The application inside.
        hosts: Names a request may be addressed to, IPv6 addresses in brackets.
        unlimited: Paths that limit their bodies themselves.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], unlimited: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._unlimited = frozenset(unlimited)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _host(scope) not in self._hosts:
            # Another name means that a foreign page had its own name point to us.
            # Source: OWASP ASVS 5.0, chapter V3; the attack is called DNS rebinding.
            refused = AccessError("host-unknown", "no such host is served here", status=400)
            await problem_response(refused)(scope, receive, send)
        elif scope["path"] in self._unlimited:
            await self._app(scope, receive, send)
        else:
            await self._app(scope, _limited(receive), send)


def _host(scope: Scope) -> str:
    """Return the name of the Host header, without its port."""
    host = Headers(scope=scope).get("host", "").lower()
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _limited(receive: Receive) -> Receive:
    """Return a `receive` that refuses a long body while it arrives."""
    size = 0

    async def limited() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MAX_REQUEST_OCTETS:
            raise Refusal(
                ProducerError(
                    "body-too-large",
                    f"a request has at most {MAX_REQUEST_OCTETS} octets",
                    status=413,
                )
            )
        return message

    return limited
