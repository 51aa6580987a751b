"""One WebSocket connection: a record when it opens or is refused, another when it closes."""

from typing import Any, Final

from auditroll.capture.capture import Capture
from auditroll.capture.exchange import Exchange, Message, Receive, Scope, Send
from auditroll.capture.outcome import Outcome, judge

__all__ = ["WebSocketExchange"]

SWITCHING_PROTOCOLS: Final = 101
REFUSED: Final = 403  # what a server answers when the application closes before it accepts

_ABNORMAL: Final = 1006
# Source: RFC 6455 section 7.4.1, and the IANA registry for 3000 (unauthorized), 3003 (forbidden).
_OF_CODE: Final[dict[int, Outcome]] = {
    1000: "ok",
    1001: "ok",
    1005: "ok",
    _ABNORMAL: "aborted_client",
    1008: "denied",
    3000: "denied",
    3003: "denied",
}
_OPENING_ONLY: Final = ("http_method", "status_code", "latency_ms")


class WebSocketExchange(Exchange):
    """One WebSocket connection."""

    __slots__ = ("_accepted", "_code")

    def __init__(self, capture: Capture, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(capture, scope, receive, send)
        self._accepted = False
        self._code = 0

    async def receive(self) -> Message:
        """Hand on what the client sent, counting it."""
        message = await self._receive()
        if message["type"] == "websocket.receive":
            self._bytes_in += _size(message)
        elif message["type"] == "websocket.disconnect":
            self._left = not self._accepted
            self._code = self._code or message.get("code") or 1005
        return message

    async def send(self, message: Message) -> None:
        """Hand on what the application sends; the opening record goes before the acceptance."""
        kind = message["type"]
        if kind == "websocket.send":
            self._bytes_out += _size(message)
        elif kind == "websocket.accept":
            self._open()
        elif kind == "websocket.close":
            self._close(message)
        elif kind == "websocket.http.response.start":
            self._status = message["status"]
        elif kind == "websocket.http.response.body" and not message.get("more_body", False):
            self.finish(complete=True)
        await self._send(message)

    def end(self, error: BaseException | None) -> None:
        """Write the closing record of an open connection; else that it never opened."""
        if not self._accepted:
            super().end(error)
            return
        try:
            self._write_closing(error)
        except Exception:  # noqa: BLE001  as for any record
            self._capture.write_minimum(self.context, "EXECUTE")

    def _open(self) -> None:
        self._status = SWITCHING_PROTOCOLS
        self.finish(complete=True)
        self._accepted = True
        self.context.closed = False  # the connection goes on; its closing record is still to come
        self.context.references = []

    def _close(self, message: Message) -> None:
        if self._accepted:
            self._code = self._code or message.get("code") or 1000
            return
        self._status = REFUSED
        self.finish(complete=True)

    def _write_closing(self, error: BaseException | None) -> None:
        if self._is_only_counted(self.plan()):
            return
        fields: dict[str, Any] = self._request_fields(self.plan(), self._status)
        for name in _OPENING_ONLY:
            fields.pop(name, None)
        outcome = _OF_CODE.get(self._code or 1000, "error")
        if error is not None:
            outcome = judge(self._status, complete=True, left=False, error=error)[1]
        fields |= {"event_type": "data.access", "outcome": outcome, "success": outcome == "ok"}
        fields |= {"bytes_in": self._bytes_in, "bytes_out": self._bytes_out}
        self._capture.write(fields, self.context, self.plan().mode)


def _size(message: Message) -> int:
    data = message.get("bytes")
    return len(data) if data is not None else len((message.get("text") or "").encode())
