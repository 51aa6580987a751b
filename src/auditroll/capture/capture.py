"""What all requests of one application share, and how a finished one becomes records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from auditroll.capture.address import AddressPolicy
from auditroll.capture.context import Context
from auditroll.capture.digests import KeyedHash
from auditroll.capture.identity import Actor, Identify, authenticated_user
from auditroll.capture.port import Recorder
from auditroll.capture.routes import Mode, RouteTable
from auditroll.capture.templates import RouteIndex

__all__ = ["Capture", "Counters", "Settings"]

MAX_IDS_PER_RECORD: Final = 100
_NOBODY: Final[Mapping[str, Any]] = {}
_NOT_IN_PARTS: Final = frozenset(
    {"http_method", "status_code", "latency_ms", "bytes_in", "bytes_out", "redactions"}
)


@dataclass(slots=True)
class Counters:
    """What happened in this process since it started.

    Args:
        requests: Requests and connections seen.
        exempt: Requests to exempted routes: counted, not recorded.
        preflights: CORS preflights: counted, not recorded.
        helper_failures: Times `identify` raised.
        build_failures: Records that could only be written in their smallest form.
        late_calls: Calls of `audit` after the record was written.
        refused: Responses replaced because the record, or the purpose, was missing.
    """

    requests: int = 0
    exempt: int = 0
    preflights: int = 0
    helper_failures: int = 0
    build_failures: int = 0
    late_calls: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """Choices of one instrumented application.

    Args:
        routes: What its routes touch.
        addresses: Which proxies are believed.
        mode: Durability where a route does not say.
        identify: Finds the actor where the application did not say.
    """

    routes: RouteTable
    addresses: AddressPolicy
    mode: Mode = "durable"
    identify: Identify = authenticated_user


class Capture:
    """Turns finished requests into records.

    Args:
        recorder: Where records go.
        keyed: Hash with the tenant's payload key.
        settings: Choices of the application.
        index: Full templates of its routes.
    """

    def __init__(
        self, recorder: Recorder, keyed: KeyedHash, settings: Settings, index: RouteIndex
    ) -> None:
        self.recorder = recorder
        self.index = index
        self.keyed = keyed
        self.settings = settings
        self.routes = settings.routes
        self.addresses = settings.addresses
        self.gated = settings.routes.gated or settings.mode == "strict"
        self.counters = Counters()
        self._only_framework = settings.identify is authenticated_user

    def identify(self, scope: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return who acts, nothing when nobody is known; a failing helper is counted."""
        if self._only_framework and "user" not in scope:
            return _NOBODY
        try:
            actor = self.settings.identify(scope)
        except Exception:  # noqa: BLE001  it is the application's code, on the way of a response
            self.counters.helper_failures += 1
            return {"dropped_fields": 1}
        if actor is None:
            return _NOBODY
        return (actor if isinstance(actor, Actor) else Actor(actor)).fields()

    def uncovered(self) -> list[str]:
        """Return the templates that neither name a resource nor have a declaration."""
        declared = self.routes.declared()
        return [
            template
            for template in self.index.templates()
            if template not in declared and not self.routes.derives(template)
        ]

    def mistaken(self) -> list[str]:
        """Return the templates that have a declaration and no route."""
        return sorted(self.routes.declared() - set(self.index.templates()))

    def write(self, fields: dict[str, Any], context: Context, mode: Mode | None = None) -> None:
        """Write the record of something that ended, and its continuations; never raises."""
        context.closed = True
        if context.session is not None:
            fields["session_ref"] = self.keyed.of(context.session.encode())
        references = context.references
        if not references:
            if context.count is not None:
                fields["resource_count"] = context.count
            self.recorder.record(fields, mode=mode)
            return
        self._write_parts(fields, context, mode)

    def write_minimum(self, context: Context, action: str) -> None:
        """Write the smallest record there is, when building the right one failed."""
        context.closed = True
        self.counters.build_failures += 1
        self.recorder.record(
            {
                "event_type": "recorder.fallback",
                "action_type": action,
                "request_id": context.request_id,
                "outcome": "unknown",
                "success": False,
            }
        )

    def _write_parts(self, fields: dict[str, Any], context: Context, mode: Mode | None) -> None:
        references = context.references
        named = len(references) + context.unnamed
        fields["resource_count"] = named if context.count is None else context.count
        fields["resource_set_hash"] = self.keyed.of_set(references)
        fields["resource_ids"] = references[:MAX_IDS_PER_RECORD]
        fields.pop("resource_id", None)
        parts = -(-len(references) // MAX_IDS_PER_RECORD)
        if parts == 1:
            self.recorder.record(fields, mode=mode)
            return
        self.recorder.record(fields | {"part": 1, "parts": parts}, mode=mode)
        shared = {name: one for name, one in fields.items() if name not in _NOT_IN_PARTS}
        shared["event_type"] = "data.access"
        for part in range(1, parts):
            start = part * MAX_IDS_PER_RECORD
            ids = references[start : start + MAX_IDS_PER_RECORD]
            more = {"resource_ids": ids, "part": part + 1, "parts": parts}
            self.recorder.record(shared | more, mode=mode)
