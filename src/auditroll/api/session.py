"""First enrolment, sign-in and sign-out of people."""

from functools import cache
from typing import Any, Final

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from auditroll.access.accounts import Account
from auditroll.api.state import (
    Address,
    AnyServices,
    Reader,
    Services,
    clear_cookie,
    secret_of,
    set_cookie,
)
from auditroll.errors import AccessError, Error

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["session"])

# One password costs 64 MiB and a tenth of a second: strangers get no more of either at once.
HASHES_AT_ONCE: Final = 2


class SignIn(BaseModel):
    """Name and password."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=64)
    password: str = Field(max_length=1024)


class Enrolment(SignIn):
    """Name and password of the first administrator, with the one-time code."""

    code: str = Field(max_length=128)


@router.post("/enrol", status_code=204)
async def enrol(
    body: Enrolment, request: Request, services: AnyServices, address: Address
) -> Response:
    """Create the first administrator with the one-time code that the terminal printed."""
    _same_origin(request)
    account = await to_thread.run_sync(
        services.control.accounts.enrol, body.code, body.name, body.password, limiter=_hashing()
    )
    await services.own.record(
        account.principal(), "admin.action", "CREATE", resource="account", address=address
    )
    return await _signed_in(request, services, account, address)


@router.post("/login", status_code=204)
async def login(
    body: SignIn, request: Request, services: AnyServices, address: Address
) -> Response:
    """Start a session; every attempt is recorded."""
    _same_origin(request)
    try:
        account = await to_thread.run_sync(
            services.control.accounts.sign_in, body.name, body.password, limiter=_hashing()
        )
    except Error as error:
        await services.own.login_failed(body.name, error.code, address=address)
        raise
    return await _signed_in(request, services, account, address)


@router.post("/logout", status_code=204)
async def logout(
    request: Request, principal: Reader, services: AnyServices, address: Address
) -> Response:
    """End the session."""
    services.control.sessions.end(secret_of(request))
    await services.own.record(
        principal, "auth.logout", "EXECUTE", resource="session", address=address
    )
    clear_cookie(request)
    return Response(status_code=204)


@router.get("/session")
async def current(principal: Reader, services: AnyServices) -> dict[str, Any]:
    """Tell who is signed in and what the browser pins."""
    return {
        "name": principal.name,
        "role": principal.role,
        "tenant": principal.tenant,
        "installation": services.installation.name,
        "root_stream": services.installation.root_stream,
        "key": services.installation.public_key,
    }


async def _signed_in(
    request: Request, services: Services, account: Account, address: str | None
) -> Response:
    session = services.control.sessions.start(account)
    await services.own.record(
        session.principal, "auth.login", "EXECUTE", resource="session", address=address
    )
    set_cookie(request, session)
    return Response(status_code=204)


@cache
def _hashing() -> CapacityLimiter:
    return CapacityLimiter(HASHES_AT_ONCE)


def _same_origin(request: Request) -> None:
    """Refuse a form that another site posts.

    Raises:
        AccessError: `cross-site`.
    """
    origin = request.headers.get("origin")
    if origin is not None and origin != f"{request.url.scheme}://{request.url.netloc}":
        raise AccessError("cross-site", "the request comes from another site")
