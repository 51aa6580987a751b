"""First enrolment, sign-in and sign-out of people."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from auditroll.access.accounts import Account
from auditroll.api.state import COOKIE, Anyone, AnyServices, Services, secret_of, set_cookie
from auditroll.errors import AccessError, Error

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["session"])


class SignIn(BaseModel):
    """Name and password."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=64)
    password: str = Field(max_length=1024)


class Enrolment(SignIn):
    """Name and password of the first administrator, with the one-time code."""

    code: str = Field(max_length=128)


@router.post("/enrol", status_code=204)
async def enrol(body: Enrolment, request: Request, services: AnyServices) -> Response:
    """Create the first administrator with the one-time code that the terminal printed."""
    _same_origin(request)
    account = services.control.accounts.enrol(body.code, body.name, body.password)
    await services.own.record(account.principal(), "admin.action", "CREATE", resource="account")
    return await _signed_in(request, services, account)


@router.post("/login", status_code=204)
async def login(body: SignIn, request: Request, services: AnyServices) -> Response:
    """Start a session; every attempt is recorded."""
    _same_origin(request)
    try:
        account = services.control.accounts.sign_in(body.name, body.password)
    except Error as error:
        await services.own.login_failed(body.name, error.code)
        raise
    return await _signed_in(request, services, account)


@router.post("/logout", status_code=204)
async def logout(request: Request, principal: Anyone, services: AnyServices) -> Response:
    """End the session."""
    services.control.sessions.end(secret_of(request))
    await services.own.record(principal, "auth.logout", "EXECUTE", resource="session")
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/")
    return answer


@router.get("/session")
async def current(principal: Anyone, services: AnyServices) -> dict[str, Any]:
    """Tell who is signed in and what the browser pins."""
    return {
        "name": principal.name,
        "role": principal.role,
        "tenant": principal.tenant,
        "installation": services.installation.name,
        "root_stream": services.installation.root_stream,
        "key": services.installation.public_key,
    }


async def _signed_in(request: Request, services: Services, account: Account) -> Response:
    session = services.control.sessions.start(account)
    await services.own.record(session.principal, "auth.login", "EXECUTE", resource="session")
    answer = Response(status_code=204)
    set_cookie(answer, session, secure=request.url.scheme == "https")
    return answer


def _same_origin(request: Request) -> None:
    """Refuse a form that another site posts.

    Raises:
        AccessError: `cross-site`.
    """
    origin = request.headers.get("origin")
    if origin is not None and origin != f"{request.url.scheme}://{request.url.netloc}":
        raise AccessError("cross-site", "the request comes from another site")
