"""The records service: patients are listed, read, changed and exported."""

from collections.abc import Iterator
from typing import Annotated, Any, Final

import urllib3
from fastapi import Body, Depends, FastAPI, Header, HTTPException
from fastapi.responses import StreamingResponse

import auditroll
from auditroll import AuditExempt, Route, audit
from examples.clinic import settings
from examples.clinic.auth import Purposeful, SignedIn, allowed
from examples.clinic.people import PATIENTS, Patient

PAGE: Final = 50

app = FastAPI(title="Records")
auditroll.instrument(
    app,
    service="records",
    environment="development",
    credential=settings.CREDENTIAL,
    spool=settings.SPOOL,
    trusted_proxies=settings.TRUSTED,
    routes={
        "/health": AuditExempt("liveness probe of the load balancer"),
        "/exports/patients": Route(resource_type="patient", action="EXPORT"),
        "PATCH /patients/{patient_id}": Route(mode="strict"),
    },
)

_services = urllib3.PoolManager(timeout=5.0, retries=False)


def _patient(patient_id: str) -> Patient:
    patient = PATIENTS.get(patient_id)
    if patient is None:
        raise HTTPException(404, "no such patient")
    return patient


Known = Annotated[Patient, Depends(_patient)]


@app.get("/health")
def health() -> dict[str, str]:
    """Answer the load balancer."""
    return {"status": "ok"}


@app.get("/patients")
def list_patients(_: Purposeful, offset: int = 0) -> list[dict[str, str]]:
    """List patients, fifty a page: the record names every one of them."""
    page = list(PATIENTS.values())[offset : offset + PAGE]
    audit.resources("patient", [one.patient_id for one in page])
    return [{"patient_id": one.patient_id, "name": one.name} for one in page]


@app.get("/patients/{patient_id}")
def read_patient(_: Purposeful, patient: Known) -> dict[str, str]:
    """Read one patient."""
    audit.subject("patient", patient.patient_id)
    return {"patient_id": patient.patient_id, "name": patient.name, "ward": patient.ward}


@app.patch("/patients/{patient_id}")
def change_patient(
    _: Purposeful, patient: Known, change: Annotated[dict[str, Any], Body()]
) -> dict[str, str]:
    """Change one patient: the record names the fields, not their values."""
    audit.changed_fields(change)
    return {"patient_id": patient.patient_id}


@app.get("/exports/patients", dependencies=[Depends(allowed("physician"))])
def export_patients(ward: str) -> StreamingResponse:
    """Export a ward as CSV, row by row: the record counts what was delivered."""
    audit.purpose("operations")

    def rows() -> Iterator[str]:
        yield "patient_id,ward\n"
        for one in PATIENTS.values():
            if one.ward == ward:
                audit.resources("patient", [one.patient_id])
                yield f"{one.patient_id},{one.ward}\n"

    return StreamingResponse(rows(), media_type="text/csv")


@app.post("/patients/{patient_id}/appointments", status_code=201)
def book(_: SignedIn, patient: Known, authorization: Annotated[str, Header()]) -> dict[str, Any]:
    """Book an appointment with the other service, under the same request id."""
    audit.purpose("treatment")
    answer = _services.request(
        "POST",
        f"{settings.APPOINTMENTS_URL}/appointments",
        json={"patient_id": patient.patient_id},
        headers={"authorization": authorization, **audit.headers()},
    )
    if answer.status != 201:
        raise HTTPException(502, "the appointments service refused")
    booked: dict[str, Any] = answer.json()
    return booked


@app.get("/reports/{report_id}")
def report(_: SignedIn, report_id: str) -> None:
    """Fail, as software does: the record is written even so."""
    raise RuntimeError(f"report {report_id} is broken")
