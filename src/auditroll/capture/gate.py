"""Responses that wait: for a durable record (`strict`), or for a stated purpose.

Of a response that is sent in one part, the record itself is made durable before its first octet.
Of a streamed one the outcome is not known then: a `data.access` record with outcome `unknown` goes
first, durable, and the `http.request` record follows at the end.
"""

import asyncio
from typing import Any, Final

from auditroll.capture.capture import Capture
from auditroll.capture.exchange import Exchange, Message, Receive, Scope, Send
from auditroll.event import encode

__all__ = ["GatedExchange"]

RETRY_AFTER_S: Final = 5
_NO_RECORD: Final = (503, "audit-unavailable", "This request cannot be recorded now.")
_NO_PURPOSE: Final = (403, "purpose-required", "This route needs a stated purpose of use.")


class GatedExchange(Exchange):
    """An HTTP request of an application that has strict or purpose-bound routes."""

    __slots__ = ("_held", "_refused")

    def __init__(self, capture: Capture, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(capture, scope, receive, send)
        self._held: Message | None = None
        self._refused = False

    async def send(self, message: Message) -> None:
        """Hold the start of the response until the record that must precede it is durable."""
        if self._refused:
            return
        if message["type"] == "http.response.start":
            await self._start(message)
        elif self._held is None:
            await super().send(message)
        else:
            await self._first_part(self._held, message)

    async def _start(self, message: Message) -> None:
        plan = self.plan()
        self._status = message["status"]
        purposeless = "purpose_of_use" not in self.context.fields
        if plan.purpose_required and purposeless and self._status < 400:
            self.context.fields["error_code"] = _NO_PURPOSE[1]
            await self._refuse(*_NO_PURPOSE)
        elif (plan.mode or self._capture.settings.mode) == "strict" and not plan.exempt:
            self._held = message
        else:
            await super().send(message)

    async def _first_part(self, start: Message, part: Message) -> None:
        if part.get("more_body", False):
            self._write_intent()
        else:
            self._bytes_out += len(part.get("body", b""))
            self.finish(complete=True)
        self._held = None
        if not await asyncio.to_thread(self._capture.recorder.sync):
            await self._refuse(*_NO_RECORD)
            return
        await super().send(start)
        await super().send(part)

    def _write_intent(self) -> None:
        fields = self._request_fields(self.plan(), self._status)
        del fields["http_method"]
        fields |= {"event_type": "data.access", "outcome": "unknown", "success": False}
        self._capture.recorder.record(fields, mode="strict")

    async def _refuse(self, status: int, code: str, title: str) -> None:
        """Answer in the application's place; what it still sends is dropped.

        Source: RFC 9457.
        """
        self._refused = True
        self._capture.counters.refused += 1
        problem = {"code": code, "status": status, "title": title, "type": "about:blank"}
        body = encode(problem)
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", b"%d" % len(body)),
        ]
        if status == 503:
            headers.append((b"retry-after", b"%d" % RETRY_AFTER_S))
        start: dict[str, Any] = {
            "type": "http.response.start",
            "status": status,
            "headers": headers,
        }
        await super().send(start)
        await super().send({"type": "http.response.body", "body": body})
