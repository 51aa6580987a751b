"""What a route touches: derived from its template, or declared where the template does not tell."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from auditroll.errors import PolicyError

__all__ = [
    "METHODS",
    "UNMATCHED",
    "Action",
    "AuditExempt",
    "Declarations",
    "Mode",
    "Plan",
    "Route",
    "RouteTable",
    "normal_template",
]

Action = Literal["READ", "CREATE", "UPDATE", "DELETE", "EXPORT", "EXECUTE"]
Mode = Literal["available", "durable", "strict"]

# What no route matched is stored under this template; its raw path never is.
UNMATCHED: Final = "/{unmatched}"

METHODS: Final[Mapping[str, Action]] = {
    "GET": "READ",
    "QUERY": "READ",
    "POST": "CREATE",
    "PUT": "UPDATE",
    "PATCH": "UPDATE",
    "DELETE": "DELETE",
    "HEAD": "EXECUTE",
    "OPTIONS": "EXECUTE",
    "TRACE": "EXECUTE",
    "CONNECT": "EXECUTE",
}
# These answer about a resource without handing it out: recorded, but never as a READ of it.
_PROBES: Final = frozenset({"HEAD", "OPTIONS", "TRACE", "CONNECT"})

_PARAMETER = re.compile(r"\{([^{}:]*)(?::[^{}]*)?\}")
_FOREIGN = re.compile(r"[^A-Za-z0-9_{}.:/*~-]")
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_MAX_TEMPLATE_CHARS: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What requests to one route do, where the template alone does not tell.

    Args:
        resource_type: Type of the resource, like `patient`; derived from the template when None.
        id_param: Path parameter that holds the resource's id; derived when None, none when empty.
        action: What is done, where the HTTP method does not say it (`EXPORT`, a search by POST).
        purpose_required: A response that would succeed without `audit.purpose(...)` is replaced
            by a 403, so that the gap is found before data leaves.
        mode: Durability of this route's records; the application's default when None.
    """

    resource_type: str | None = None
    id_param: str | None = None
    action: Action | None = None
    purpose_required: bool = False
    mode: Mode | None = None

    def __post_init__(self) -> None:
        if self.resource_type is not None and not _TYPE.fullmatch(self.resource_type):
            raise PolicyError(
                "route-declaration",
                f"{self.resource_type!r} is not a resource type",
                hint="Use lower-case letters, digits and underscores, like `lab_result`.",
            )


@dataclass(frozen=True, slots=True)
class AuditExempt:
    """A route whose requests are counted, not recorded; 401 and 403 are recorded even so.

    Args:
        reason: Why nothing about these requests need be kept, for the auditor who asks.
    """

    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise PolicyError("route-declaration", "an exemption from the audit needs a reason")


Declarations = Mapping[str, Route | AuditExempt]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of a request once its route and method are.

    Args:
        fields: The fields of the record that follow from route and method.
        template: Full template of the route; None when none matched.
        resource_type: Type of the resource, empty when none.
        id_param: Path parameter that holds its id, empty when none.
        exempt: Counted, not recorded.
        purpose_required: See `Route`.
        mode: Durability of the record; None is the application's default.
        probe: The method asks about a resource without being handed it.
    """

    fields: Mapping[str, Any]
    template: str | None = None
    resource_type: str = ""
    id_param: str = ""
    exempt: bool = False
    purpose_required: bool = False
    mode: Mode | None = None
    probe: bool = False


class RouteTable:
    """Plans by template and method, made when first needed.

    Args:
        declarations: `Route` and `AuditExempt` by template, optionally preceded by a method and
            a space: `"/patients/{id}"` or `"POST /patients/search"`.
    """

    def __init__(self, declarations: Declarations) -> None:
        self._declared = dict(_declared(key, value) for key, value in declarations.items())
        self._plans: dict[tuple[str, str], Plan] = {}
        self.gated = any(
            isinstance(one, Route) and (one.purpose_required or one.mode == "strict")
            for one in self._declared.values()
        )

    def plan(self, template: str | None, method: str) -> Plan:
        """Return the plan of a request; a template of None is a request no route matched."""
        key = (template or UNMATCHED, method)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._make(template, method)
            # Methods come from outside: only known ones may take memory.
            if method in METHODS:
                self._plans[key] = plan
        return plan

    def declared(self) -> set[str]:
        """Return the templates that have a declaration, under any method."""
        return {path for _, path in self._declared}

    def derives(self, template: str) -> bool:
        """Tell whether a resource type follows from a template alone."""
        return bool(_target(template, Route())[0])

    def _make(self, template: str | None, method: str) -> Plan:
        fields: dict[str, Any] = {
            "event_type": "http.request",
            "http_method": method if method in METHODS else "OTHER",
            "action_type": METHODS.get(method, "EXECUTE"),
            "route": template or UNMATCHED,
        }
        probe = method in _PROBES
        if template is None:
            return Plan(fields, probe=probe)
        declared = self._declared.get((method, template)) or self._declared.get(("", template))
        if isinstance(declared, AuditExempt):
            return Plan(fields, template, exempt=True, probe=probe)
        route = declared or Route()
        if probe:
            return Plan(fields, template, mode=route.mode, probe=True)
        resource_type, id_param = _target(template, route)
        if route.action is not None:
            fields["action_type"] = route.action
        if resource_type:
            fields["resource_type"] = resource_type
        return Plan(
            fields,
            template,
            resource_type,
            id_param,
            purpose_required=route.purpose_required,
            mode=route.mode,
        )


def normal_template(template: str) -> str:
    """Return a template as records show it: without convertors, in the route grammar's letters."""
    plain = _FOREIGN.sub("~", _PARAMETER.sub(r"{\1}", template))
    return plain[:_MAX_TEMPLATE_CHARS] if plain.startswith("/") else f"/{plain}"


def _declared(key: str, value: Route | AuditExempt) -> tuple[tuple[str, str], Route | AuditExempt]:
    method, space, path = key.rpartition(" ")
    if not path.startswith("/") or (space and method not in METHODS):
        raise PolicyError(
            "route-declaration",
            f"{key!r} names no route",
            hint="Write the template as the framework shows it, like `GET /patients/{id}`.",
        )
    return (method, normal_template(path)), value


def _target(template: str, route: Route) -> tuple[str, str]:
    """Return resource type and id parameter: declared, or the last parameter and what precedes it.

    `/patients/{id}/notes` touches the patient; `/patients`, without a parameter, is a list of them.
    """
    segments = [segment for segment in template.split("/") if segment]
    parameters = [i for i, segment in enumerate(segments) if _PARAMETER.fullmatch(segment)]
    named = segments[: parameters[-1]] if parameters else segments
    static = [segment for segment in named if not _PARAMETER.fullmatch(segment)]
    resource_type = route.resource_type
    if resource_type is None:
        resource_type = _type_of(static[-1]) if static else ""
    id_param = route.id_param
    if id_param is None:
        id_param = segments[parameters[-1]][1:-1] if parameters else ""
    return resource_type, id_param if resource_type else ""


def _type_of(segment: str) -> str:
    name = segment.lower().replace("-", "_")
    name = _singular(name)[:32]
    return name if _TYPE.fullmatch(name) else ""


def _singular(name: str) -> str:
    """Return the singular of an English plural, well enough for a default that can be declared."""
    if name.endswith("ies") and len(name) > 4:
        return f"{name[:-3]}y"
    if name.endswith(("sses", "uses", "xes", "ches", "shes", "zes")):
        return name[:-2]
    if name.endswith("s") and not name.endswith(("ss", "us", "is")):
        return name[:-1]
    return name
