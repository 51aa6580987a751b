"""The outermost layer of an ASGI application: nothing happens to a request that it does not see."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from auditroll.capture.capture import Capture
from auditroll.capture.context import Context, current
from auditroll.capture.exchange import Exchange, Message, Receive, Scope, Send
from auditroll.capture.gate import GatedExchange
from auditroll.capture.propagation import new_request_id
from auditroll.capture.websocket import WebSocketExchange

__all__ = ["ASGIApp", "AuditedApp", "Life"]

ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger("auditroll")

_SEEN: Final = "auditroll"  # scope key: an outer layer of ours already records this request


class Life(Protocol):
    """What begins and ends with the application's server."""

    def start(self) -> None:
        """Begin."""
        ...

    def close(self) -> None:
        """End; it may begin again."""
        ...


class AuditedApp:
    """An ASGI application each of whose requests becomes a record.

    Args:
        app: The application with everything around it.
        capture: What all its requests share.
        life: Told when the server starts the application and when it has shut it down.
    """

    def __init__(self, app: ASGIApp, capture: Capture, life: Life | None = None) -> None:
        self.app = app
        self.capture = capture
        self._life = life
        self._running = 0
        self._ending = False
        self._http = GatedExchange if capture.gated else Exchange

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, connection or lifespan."""
        kind = scope["type"]
        if kind == "lifespan":
            await self._lifespan(scope, receive, send)
        elif kind not in {"http", "websocket"} or _SEEN in scope:
            await self.app(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        make = self._http if scope["type"] == "http" else WebSocketExchange
        try:
            exchange: Exchange = make(self.capture, scope, receive, send)
        except Exception:  # noqa: BLE001  a scope no server should make; it is served even so
            self.capture.write_minimum(Context(new_request_id()), "EXECUTE")
            await self.app(scope, receive, send)
            return
        await self._observe(exchange, scope)

    async def _observe(self, exchange: Exchange, scope: Scope) -> None:
        scope[_SEEN] = context = exchange.context
        token = current.set(context)
        self._running += 1
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except BaseException as error:
            exchange.end(error)
            raise
        else:
            exchange.end(None)
        finally:
            current.reset(token)
            self._running -= 1
            if context.late:
                self.capture.counters.late_calls += context.late
            if self._ending:
                self._end()

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watch(message: Message) -> None:
            kind = message["type"]
            if kind == "lifespan.startup.complete":
                self._warn_of_mistakes()
                if self._life is not None:
                    self._life.start()
            elif kind.startswith("lifespan.shutdown."):
                self._ending = True
                self._end()
            await send(message)

        await self.app(scope, receive, watch)

    def _end(self) -> None:
        """End the epoch, after the requests that the server cut short have left their records."""
        if self._running == 0:
            self._ending = False
            if self._life is not None:
                self._life.close()

    def _warn_of_mistakes(self) -> None:
        mistaken = self.capture.mistaken()
        if mistaken:
            _log.warning("declared for the audit, but no such route: %s", ", ".join(mistaken))
