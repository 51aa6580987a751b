"""The mapping file: which field of a JSON log is which field of the record."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from auditroll.errors import PolicyError
from auditroll.event import FIELDS

__all__ = ["DEFAULT_MAPPING", "TARGETS", "MappingFile", "compile_path", "look_up"]

FORMAT: Final = "auditroll-mapping/1"
MAX_STEPS: Final = 8

# What a mapping may fill beside fields of the record, and how it is read.
SPECIAL: Final[Mapping[str, str]] = {
    "address": "client or peer address, or a list of addresses, the nearest last",
    "forwarded": "list of forwarded addresses, believed as far as proxies are trusted",
    "request": "request line: method, target, protocol",
    "path": "request target; only its keyed hash is kept",
    "latency_s": "time of the request in seconds",
    "latency_us": "time of the request in microseconds",
    "latency_ns": "time of the request in nanoseconds",
    "user": "the remote user, who becomes a pseudonym",
}
# Set by us or by the collector, or of no meaning in a foreign log.
_NOT_MAPPED: Final = frozenset(
    (
        *("event_id", "producer_epoch", "producer_seq", "user_id", "on_behalf_of", "source_ip"),
        *("source_net", "peer_net", "path_ref", "session_ref", "redactions", "dropped_fields"),
        *("success", "event_type", "part", "parts"),
    )
)
TARGETS: Final = (
    frozenset(SPECIAL)
    | frozenset(
        name
        for name, spec in FIELDS.items()
        if spec.by == "P"
        and spec.kind in {"str", "enum", "int", "bool", "time"}
        and spec.category not in {"ai", "facts"}
    )
    - _NOT_MAPPED
)

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "timestamp": (
        *("timestamp", "@timestamp", "time_iso8601", "time_local", "time", "ts", "msec"),
        *("request.time", "start_time", "date"),
    ),
    "address": ("remote_addr", "client_ip", "remote_ip", "clientip", "source_ip", "client", "ip"),
    "forwarded": ("http_x_forwarded_for", "x_forwarded_for"),
    "user": ("remote_user", "user"),
    "request": ("request",),
    "http_method": ("request_method", "method", "verb", "request.method", "http_method"),
    "path": ("request_uri", "uri", "url", "path", "request.uri"),
    "status_code": ("status", "status_code", "response", "response.status"),
    "bytes_out": ("body_bytes_sent", "bytes_sent", "bytes", "size", "response_size"),
    "latency_s": ("request_time", "duration", "upstream_response_time"),
    "latency_ms": ("latency_ms", "duration_ms"),
    "user_agent": ("http_user_agent", "user_agent", "agent", "request.headers.User-Agent"),
    "request_id": ("request_id", "x_request_id", "http_x_request_id"),
    "trace_id": ("trace_id",),
    "span_id": ("span_id",),
}


class MappingFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping file.

    Args:
        format: `auditroll-mapping/1`.
        fields: Target to the path, or paths of which the first with a value counts: names joined
            by dots; a number is a place in a list; a name with dots in it is tried as it is first.
        constants: Target to a value for every line.
    """

    fields: dict[str, str | list[str]]
    constants: dict[str, str | int | bool] = {}
    format: str = FORMAT

    @classmethod
    def decode(cls, octets: bytes) -> "MappingFile":
        """Return the mapping that a file holds.

        Raises:
            PolicyError: `bad-mapping`: it is none, or names a target that does not exist.
        """
        try:
            mapping = msgspec.json.decode(octets, type=cls)
        except msgspec.DecodeError as error:
            raise _bad(str(error)) from None
        unknown = sorted((mapping.fields.keys() | mapping.constants.keys()) - TARGETS)
        if mapping.format != FORMAT:
            raise _bad(f"its format is not {FORMAT}")
        if unknown:
            raise _bad(f"no such target: {', '.join(unknown)}")
        if "timestamp" not in mapping.fields:
            raise _bad("it has no timestamp")
        return mapping

    def paths(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """Return target to compiled paths.

        Raises:
            PolicyError: `bad-mapping`: a path of more than eight steps.
        """
        return {
            target: tuple(map(compile_path, [paths] if isinstance(paths, str) else paths))
            for target, paths in self.fields.items()
        }


# The names that nginx's variables, Caddy and common loggers use.
DEFAULT_MAPPING: Final = MappingFile(fields={name: list(paths) for name, paths in _NAMES.items()})


def compile_path(path: str) -> tuple[str, ...]:
    """Return the steps of a path.

    Raises:
        PolicyError: `bad-mapping`.
    """
    steps = tuple(path.split("."))
    if not path or len(steps) > MAX_STEPS:
        raise _bad(f"a path has 1 to {MAX_STEPS} steps")
    return steps


def look_up(value: Mapping[str, Any], steps: tuple[str, ...]) -> Any:
    """Return what a path leads to, or None."""
    if len(steps) > 1 and (whole := value.get(".".join(steps))) is not None:
        return whole
    here: Any = value
    for step in steps:
        if isinstance(here, dict):
            here = here.get(step)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        elif isinstance(here, list) and step.isdigit() and int(step) < len(here):  # pyright: ignore[reportUnknownArgumentType]
            here = here[int(step)]  # pyright: ignore[reportUnknownVariableType]
        else:
            return None
    return here  # pyright: ignore[reportUnknownVariableType]


def _bad(why: str) -> PolicyError:
    return PolicyError(
        "bad-mapping",
        f"this is no mapping file: {why}",
        hint="See docs/how-to/ingest-logs.md for its form and its targets.",
        status=422,
    )
