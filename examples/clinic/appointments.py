"""The appointments service: books, and queues a reminder for the worker."""

import secrets
from typing import Annotated, Final

from fastapi import Body, FastAPI, HTTPException

import auditroll
from auditroll import AuditExempt, audit
from examples.clinic import settings
from examples.clinic.auth import SignedIn
from examples.clinic.jobs import Queue

app = FastAPI(title="Appointments")
auditroll.instrument(
    app,
    service="appointments",
    environment="development",
    credential=settings.CREDENTIAL,
    spool=settings.SPOOL,
    trusted_proxies=settings.TRUSTED,
    routes={"/health": AuditExempt("liveness probe of the load balancer")},
)

_queue: Final = Queue(settings.QUEUE_FILE)
_booked: Final[dict[str, str]] = {}


@app.get("/health")
def health() -> dict[str, str]:
    """Answer the load balancer."""
    return {"status": "ok"}


@app.post("/appointments", status_code=201)
def book(_: SignedIn, patient_id: Annotated[str, Body(embed=True)]) -> dict[str, str]:
    """Book an appointment and queue its reminder; the job carries the request's context along."""
    appointment_id = f"a-{secrets.token_hex(4)}"
    _booked[appointment_id] = patient_id
    audit.purpose("treatment")
    audit.resource("appointment", appointment_id)
    audit.subject("patient", patient_id)
    _queue.put({"appointment_id": appointment_id, "patient_id": patient_id}, audit.carry())
    return {"appointment_id": appointment_id}


@app.get("/appointments/{appointment_id}")
def read(_: SignedIn, appointment_id: str) -> dict[str, str]:
    """Read one appointment."""
    patient_id = _booked.get(appointment_id)
    if patient_id is None:
        raise HTTPException(404, "no such appointment")
    audit.purpose("operations")
    audit.subject("patient", patient_id)
    return {"appointment_id": appointment_id, "patient_id": patient_id}
