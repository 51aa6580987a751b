"""One HTTP request as it passes the outermost layer, from its first octet to its record.

The record is written when the last part of the body is about to be handed to the server: before
the client can see the end of the response, and before any background task starts. When that never
happens it is written in `finally`, without awaiting anything: an await there would be cancelled.
"""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from auditroll.capture.capture import Capture
from auditroll.capture.context import Context
from auditroll.capture.headers import Headers, read_headers, scheme_of, user_agent_text
from auditroll.capture.outcome import DENIED, judge
from auditroll.capture.propagation import (
    new_request_id,
    parse_traceparent,
    request_id_of,
    upstream_id_of,
)
from auditroll.capture.routes import METHODS, Plan
from auditroll.clock import now_ms
from auditroll.event import format_time

__all__ = ["Exchange", "Message", "Receive", "Scope", "Send"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_NS_PER_MS: Final = 1_000_000


class Exchange:
    """One request.

    Args:
        capture: What all requests share.
        scope: The ASGI scope, as it is before the application changes it.
        receive: The server's.
        send: The server's.
    """

    __slots__ = (
        "_address", "_bytes_in", "_bytes_out", "_capture", "_done", "_headers", "_left", "_method",
        "_path", "_plan", "_receive", "_root", "_scope", "_send", "_started_ms",
        "_started_ns", "_status", "context",
    )  # fmt: skip

    def __init__(self, capture: Capture, scope: Scope, receive: Receive, send: Send) -> None:
        self._started_ns = time.perf_counter_ns()
        self._started_ms = now_ms()
        self._capture = capture
        self._scope = scope
        self._receive = receive
        self._send = send
        self._status: int = 0
        self._bytes_in: int = 0
        self._bytes_out: int = 0
        self._left: bool = False
        self._done: bool = False
        self._plan: Plan | None = None
        # Routers and mounts rewrite these in the scope.
        self._method: str = scope.get("method", "GET")
        self._path: str = scope["path"]
        self._root: str = scope.get("root_path") or ""
        self._headers: Headers = read_headers(scope["headers"])
        forwarded = self._headers.get(capture.addresses.header)
        self._address = capture.addresses.find(
            scope.get("client"), forwarded.decode("latin-1") if forwarded else ""
        )
        self.context = self._open_context()

    def _open_context(self) -> Context:
        sent = self._headers.get(b"x-request-id")
        trusted = self._address.trusted
        request_id = request_id_of(sent.decode("latin-1")) if sent and trusted else None
        context = Context(request_id or new_request_id())
        if sent and request_id is None:
            upstream = upstream_id_of(sent.decode("latin-1"))
            if upstream is not None:
                context.fields["upstream_request_id"] = upstream
        trace = self._headers.get(b"traceparent")
        if trace and trusted:
            # From anybody else a trace id is a free text field; our records start anew.
            context.trace = parse_traceparent(trace.decode("latin-1"))
        return context

    async def receive(self) -> Message:
        """Hand on what the server received, noting size and departure."""
        message = await self._receive()
        kind = message["type"]
        if kind == "http.request":
            self._bytes_in += len(message.get("body", b""))
        elif kind == "http.disconnect":
            self._left = True
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """Hand on what the application answers; the record goes before the last part."""
        kind = message["type"]
        if kind == "http.response.body":
            self._bytes_out += len(message.get("body", b""))
            if not message.get("more_body", False):
                self.finish(complete=True)
                return self._send(message)
        elif kind == "http.response.start":
            self._status = message["status"]
        elif kind == "http.response.pathsend":
            self.finish(complete=True)
        return self._hand_on(message)

    async def _hand_on(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError:
            # How a server of ASGI 2.4 and above says that the client is gone.
            self._left = True
            raise

    def finish(self, *, complete: bool = False, error: BaseException | None = None) -> None:
        """Write the record, once; never raises, never awaits."""
        if self._done:
            return
        self._done = True
        self._capture.counters.requests += 1
        try:
            self._write(complete=complete, error=error)
        except Exception:  # noqa: BLE001  whatever it is, the response must not change
            self._capture.write_minimum(self.context, METHODS.get(self._method, "EXECUTE"))

    def end(self, error: BaseException | None) -> None:
        """Note that the application returned, or what it raised."""
        self.finish(error=error)

    def plan(self) -> Plan:
        """Return what the matched route says; to be asked after routing."""
        if self._plan is None:
            template = self._capture.index.template(self._scope, self._path, self._root)
            self._plan = self._capture.routes.plan(template, self._method)
        return self._plan

    def _write(self, *, complete: bool, error: BaseException | None) -> None:
        status, outcome = judge(self._status, complete=complete, left=self._left, error=error)
        plan = self.plan()
        if (plan.exempt or plan.probe) and outcome != "denied" and self._is_only_counted(plan):
            return
        elapsed = time.perf_counter_ns() - self._started_ns
        fields = self._request_fields(plan, status)
        fields["status_code"] = status
        fields["outcome"] = outcome
        fields["success"] = outcome == "ok"
        fields["latency_ms"] = elapsed // _NS_PER_MS
        if self._bytes_in:
            fields["bytes_in"] = self._bytes_in
        if self._bytes_out and self._method != "HEAD":
            fields["bytes_out"] = self._bytes_out
        self._capture.write(fields, self.context, plan.mode)

    def _is_only_counted(self, plan: Plan) -> bool:
        counters = self._capture.counters
        if plan.exempt:
            counters.exempt += 1
            return True
        if self._method == "OPTIONS" and b"access-control-request-method" in self._headers:
            counters.preflights += 1
            return True
        return False

    def _request_fields(self, plan: Plan, status: int) -> dict[str, Any]:
        """Return the fields that do not depend on how the request ended."""
        context = self.context
        fields: dict[str, Any] = {
            **plan.fields,
            **self._address.fields,
            "timestamp": format_time(self._started_ms),
            "request_id": context.request_id,
        }
        agent = self._headers.get(b"user-agent")
        if agent:
            fields["user_agent"] = user_agent_text(agent)
        if context.trace is not None:
            fields["trace_id"] = context.trace.trace_id
            fields["span_id"] = context.trace.span_id
        self._add_resource(fields, plan)
        self._add_actor(fields, status)
        fields.update(context.fields)
        if plan.probe:
            # The handler may have run and said what it read, but nothing of it was handed out.
            fields["action_type"] = plan.fields["action_type"]
            context.references = []
        return fields

    def _add_resource(self, fields: dict[str, Any], plan: Plan) -> None:
        context = self.context
        if plan.template is None:
            raw = self._scope.get("raw_path") or self._path.encode("utf-8", "surrogateescape")
            fields["path_ref"] = self._capture.keyed.of(raw)
        elif plan.id_param and not context.references and "resource_id" not in context.fields:
            value = self._scope.get("path_params", {}).get(plan.id_param)
            if value is not None:
                fields["resource_id"] = f"{plan.resource_type}:{value}"

    def _add_actor(self, fields: dict[str, Any], status: int) -> None:
        credential = self._headers.get(b"authorization")
        if credential:
            fields["auth_method"] = scheme_of(credential)
        if "user_id" in self.context.fields:
            return
        fields.update(self._capture.identify(self._scope))
        if credential and status in DENIED and self.context.session is None:
            # Tells apart one guesser with many tries from many with one; never the credential.
            fields["session_ref"] = self._capture.keyed.of(credential)
