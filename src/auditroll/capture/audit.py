"""`audit`: what the application's code says, and what it hands on to other processes."""

import asyncio
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from auditroll.capture.capture import Capture
from auditroll.capture.context import Context, Facade, current
from auditroll.capture.propagation import new_request_id, parse_traceparent, request_id_of
from auditroll.capture.routes import normal_template
from auditroll.clock import now_ms
from auditroll.errors import PolicyError
from auditroll.event import format_time

__all__ = ["Audit", "audit", "process"]

_REQUEST_ID: Final = "x-request-id"
_TRACE: Final = "traceparent"
_ACTOR: Final = "auditroll-actor"


class Process:
    """What this process records through when no request says it."""

    __slots__ = ("capture", "service")

    def __init__(self) -> None:
        # Set together by `instrument`, before the first job.
        self.capture: Capture | None = None
        self.service = ""


process: Final = Process()


class Audit(Facade):
    """Describes the present request or job, and carries it to the next process."""

    __slots__ = ()

    def headers(self) -> dict[str, str]:
        """Return the headers for a request to another service of yours; empty outside a request.

        The other service believes them if the caller is among its trusted proxies.
        """
        context = current.get()
        if context is None:
            return {}
        headers = {_REQUEST_ID: context.request_id}
        if context.trace is not None:
            headers[_TRACE] = context.trace.header
        return headers

    def carry(self) -> dict[str, str]:
        """Return what a queued job needs, so that its record joins this request's.

        The actor goes along encrypted for the collector's vault: the queue holds no identity.
        Call it after `actor`.
        """
        carried = self.headers()
        context = current.get()
        identity = context.fields.get("user_id") if context is not None else None
        if identity and identity != "anonymous" and process.capture is not None:
            carried[_ACTOR] = process.capture.recorder.seal_user(identity)
        return carried

    @contextmanager
    def job(self, name: str, carried: Mapping[str, str] | None = None) -> Generator[None]:
        """Record the work inside the `with` block as one `job.run`.

        The actor is this service, on behalf of whoever caused the job; the job's name stands in
        the record's `route`, as `/jobs/<name>`.

        Args:
            name: The job's name, the same for every run: it may hold no personal data.
            carried: What `carry` returned where the job was queued.

        Raises:
            PolicyError: `not-instrumented`: this process has not called `auditroll.instrument`.
        """
        if process.capture is None:
            raise PolicyError(
                "not-instrumented",
                "this process records nothing yet",
                hint="Call auditroll.instrument(service=..., credential=...) when it starts.",
            )
        started_ns, started_ms = time.perf_counter_ns(), now_ms()
        context = _job_context(carried or {})
        token = current.set(context)
        outcome = "ok"
        try:
            yield
        except BaseException as error:
            cancelled = isinstance(error, asyncio.CancelledError | KeyboardInterrupt | SystemExit)
            outcome = "aborted_server" if cancelled else "error"
            raise
        finally:
            current.reset(token)
            elapsed_ms = (time.perf_counter_ns() - started_ns) // 1_000_000
            fields = _job_fields(name, context, carried or {})
            fields |= {"timestamp": format_time(started_ms), "latency_ms": elapsed_ms}
            fields |= {"outcome": outcome, "success": outcome == "ok"}
            process.capture.write(fields, context)


def _job_context(carried: Mapping[str, str]) -> Context:
    request_id = request_id_of(carried.get(_REQUEST_ID, ""))
    return Context(request_id or new_request_id(), parse_traceparent(carried.get(_TRACE, "")))


def _job_fields(name: str, context: Context, carried: Mapping[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "event_type": "job.run",
        "action_type": "EXECUTE",
        "actor_type": "system",
        "user_id": f"service:{process.service}",
        "request_id": context.request_id,
        "route": normal_template(f"/jobs/{name}"),
    }
    if context.trace is not None:
        fields |= {"trace_id": context.trace.trace_id, "span_id": context.trace.span_id}
    if _ACTOR in carried:
        fields["on_behalf_of"] = carried[_ACTOR]
    return fields | context.fields


audit: Final = Audit()
