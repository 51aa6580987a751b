"""What people do at the clinic on a day, and which records that must leave."""

import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import urllib3

from examples.clinic.people import PATIENTS

__all__ = ["ROUND", "Step", "Traffic"]

_AGENT: Final = "ClinicBrowser/1.0 (X11; Linux x86_64)"
_PATIENT_IDS: Final = tuple(PATIENTS)


@dataclass(frozen=True, slots=True)
class Step:
    """One request.

    Args:
        name: What it shows.
        method: HTTP method.
        path: Path; `{patient}` stands for some patient.
        status: Status that must come back.
        token: Sign-in token; nobody when empty.
        headers: Further headers.
        body: JSON body.
        leaves: Records by service that it must leave, nginx's own line not counted.
    """

    name: str
    method: str
    path: str
    status: int
    token: str = "token-lopez"
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, str] | None = None
    leaves: dict[str, int] = field(default_factory=lambda: {"records": 1})


ROUND: Final = (
    Step("a physician lists fifty patients", "GET", "/patients", 200),
    Step("and reads one", "GET", "/patients/{patient}", 200),
    Step(
        "a nurse reads one",
        "GET",
        "/patients/{patient}",
        200,
        token="token-becker",
    ),
    Step("nobody signed in", "GET", "/patients/{patient}", 401, token=""),
    Step(
        "a stolen token",
        "GET",
        "/patients/{patient}",
        401,
        token="token-forged",
    ),
    Step(
        "a receptionist may not read",
        "GET",
        "/patients/{patient}",
        403,
        token="token-silva",
    ),
    Step(
        "an intern breaks the glass",
        "GET",
        "/patients/{patient}",
        200,
        token="token-novak",
        headers={"x-purpose": "break-glass", "x-justification": "INC-1042"},
    ),
    Step(
        "or tries to, without a reason",
        "GET",
        "/patients/{patient}",
        403,
        token="token-novak",
        headers={"x-purpose": "break-glass"},
    ),
    Step("a change", "PATCH", "/patients/{patient}", 200, body={"ward": "south"}),
    Step("an export of a ward", "GET", "/exports/patients?ward=north", 200),
    Step(
        "an appointment: gateway, both services and the worker under one id",
        "POST",
        "/patients/{patient}/appointments",
        201,
        token="token-okafor",
        leaves={"records": 1, "appointments": 1, "worker": 1},
    ),
    Step("a patient who is not there", "GET", "/patients/p-9999", 404),
    Step("a path with a name in it", "GET", "/patient-search/jane.doe@example.com", 404),
    Step("a defect", "GET", "/reports/r-7", 500),
    Step("the load balancer's probe", "GET", "/health", 200, token="", leaves={}),
)


class Traffic:
    """Makes requests and counts what they must leave.

    Args:
        base: Address of the clinic, nginx or the records service.
    """

    def __init__(self, base: str) -> None:
        self._base = base
        self._pool = urllib3.PoolManager(timeout=10.0, retries=False)
        self.expected: Counter[str] = Counter()
        self.requests = 0
        self.wrong: list[str] = []

    def round(self) -> Iterator[str]:
        """Make every request of a round once, yielding what each shows."""
        for step in ROUND:
            self._make(step)
            yield step.name

    def _make(self, step: Step) -> None:
        headers = {"user-agent": _AGENT, **step.headers}
        if step.token:
            headers["authorization"] = f"Bearer {step.token}"
        answer = self._pool.request(
            step.method,
            self._base + step.path.replace("{patient}", secrets.choice(_PATIENT_IDS)),
            headers=headers,
            json=step.body,
        )
        self.requests += 1
        self.expected.update(step.leaves)
        if answer.status != step.status:
            self.wrong.append(f"{step.name}: {answer.status} instead of {step.status}")
