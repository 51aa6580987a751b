"""Signing in, and who may do what: denials are recorded like everything else."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Header, HTTPException

from auditroll import audit
from examples.clinic.people import STAFF, Staff

__all__ = ["Purposeful", "SignedIn", "allowed"]


def _signed_in(authorization: Annotated[str, Header()] = "") -> Staff:
    staff = STAFF.get(authorization.removeprefix("Bearer "))
    if staff is None:
        raise HTTPException(401, "sign in")
    audit.actor(staff.user_name, role=staff.role, auth_method="bearer")
    return staff


SignedIn = Annotated[Staff, Depends(_signed_in)]


def _purposeful(
    staff: SignedIn,
    x_purpose: Annotated[str, Header()] = "treatment",
    x_justification: Annotated[str | None, Header()] = None,
) -> Staff:
    """Say why data is used; breaking the glass opens it to anybody who gives a reason."""
    audit.purpose(x_purpose, justification=x_justification)
    if x_purpose == "break-glass" and x_justification is None:
        raise HTTPException(403, "breaking the glass needs a justification")
    if x_purpose != "break-glass" and staff.role not in {"physician", "nurse"}:
        raise HTTPException(403, "not part of this patient's treatment")
    return staff


Purposeful = Annotated[Staff, Depends(_purposeful)]


def allowed(*roles: str) -> Callable[[Staff], Staff]:
    """Return a dependency that lets only some roles pass."""

    def check(staff: SignedIn) -> Staff:
        if staff.role not in roles:
            raise HTTPException(403, "not your role")
        return staff

    return check
