"""A program as users write it: it must type-check, strictly, without a cast."""

from pathlib import Path
from typing import assert_type

from fastapi import FastAPI
from litestar import Litestar
from starlette.applications import Starlette

import auditroll
from auditroll import Actor, AuditExempt, Route, audit

app = auditroll.instrument(
    FastAPI(),
    service="records",
    environment="production",
    credential="producer.json",
    trusted_proxies=["10.0.0.0/8"],
    routes={
        "POST /patients/search": Route(action="READ", mode="strict", purpose_required=True),
        "/health": AuditExempt("liveness probe"),
    },
    identify=lambda scope: Actor(str(scope["user"]), role="nurse", auth_method="oidc"),
)
assert_type(app, FastAPI)
assert_type(
    auditroll.instrument(Starlette(), service="a", credential=Path("producer.json")), Starlette
)
assert_type(auditroll.instrument(Litestar(), service="a", credential="producer.json"), Litestar)
auditroll.instrument(service="worker", credential="producer.json", ship=False)


@app.get("/patients")
def patients() -> list[int]:
    audit.actor("ann", role="nurse", actor_type="human")
    audit.purpose("break-glass", justification="INC-1")
    audit.resources("patient", [1, 2])
    audit.action("EXPORT")
    headers: dict[str, str] = audit.headers()
    assert_type(audit.carry(), dict[str, str])
    with audit.job("tidy-up", headers) as nothing:
        assert_type(nothing, None)
    return [1, 2]
