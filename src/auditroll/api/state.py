"""What the routes work with, and who is asking."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Annotated, cast

from fastapi import Depends, Request, Response

from auditroll.access import Control, Permission, Principal, Session, require
from auditroll.api.headers import COOKIE_STATE
from auditroll.api.watched import Watched
from auditroll.collect import Collector, Findings, OwnEvents
from auditroll.errors import AccessError
from auditroll.query import Engine
from auditroll.seal import SequencerClient
from auditroll.vault.keyring import Keyring

__all__ = [
    "COOKIE",
    "Address",
    "Administrator",
    "AnyServices",
    "Exporter",
    "Installation",
    "Reader",
    "Services",
    "Verifier",
    "bearer",
    "clear_cookie",
    "secret_of",
    "services_of",
    "set_cookie",
    "tenant_of",
]

COOKIE = "auditroll_session"
# A page of another origin cannot set this header without a preflight, which we never answer.
# Source: OWASP CSRF Prevention Cheat Sheet, "Custom Request Headers".
CSRF_HEADER = "x-auditroll-console"


@dataclass(frozen=True, slots=True)
class Installation:
    """What names this installation to a verifier.

    Args:
        name: The installation's name in every checkpoint's origin.
        public_key: Ed25519 public key, 64 hex digits.
        root_stream: Id of the root stream.
    """

    name: str
    public_key: str
    root_stream: str


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a running collector that the routes use."""

    installation: Installation
    control: Control
    collector: Collector
    own: OwnEvents
    sequencer: SequencerClient
    engine: Engine
    findings: Findings
    keyring: Keyring
    watched: Watched = field(default_factory=Watched)


def services_of(request: Request) -> Services:
    """Return the services of the application that handles `request`."""
    return cast("Services", request.app.state.services)


def bearer(headers: Mapping[str, str]) -> str:
    """Return the bearer secret.

    Raises:
        AccessError: `unauthenticated` (401): there is none.
    """
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise AccessError(
            "unauthenticated",
            "no credential was sent",
            hint="Send `Authorization: Bearer ...`, or log in at the console.",
            status=401,
        )
    return secret.strip()


def secret_of(request: Request) -> str:
    """Return the session cookie's token or the bearer secret.

    Raises:
        AccessError: `unauthenticated` (401), or `cross-site` for a cookie without the header.
    """
    cookie = request.cookies.get(COOKIE)
    if cookie is None or "authorization" in request.headers:
        return bearer(request.headers)
    if request.headers.get(CSRF_HEADER) != "1":
        raise AccessError("cross-site", "a session needs the console's request header")
    return cookie


def set_cookie(request: Request, session: Session) -> None:
    """Have the answer hand over a new token; scripts cannot read it, other sites cannot send it."""
    if session.secret is not None:
        _answer_with(request, session.secret)


def clear_cookie(request: Request) -> None:
    """Have the answer take the token from the browser."""
    _answer_with(request, "", max_age=0)


def _answer_with(request: Request, token: str, max_age: int | None = None) -> None:
    carrier = Response()
    secure = request.url.scheme == "https"
    carrier.set_cookie(
        COOKIE, token, max_age=max_age, httponly=True, secure=secure, samesite="strict", path="/"
    )
    setattr(request.state, COOKIE_STATE, carrier.headers["Set-Cookie"])


def authenticated(request: Request) -> Principal:
    """Return who is asking; a session whose token is due for rotation gets the new one."""
    control, secret = services_of(request).control, secret_of(request)
    if request.cookies.get(COOKIE) != secret:
        return control.authenticate(secret)
    session = control.sessions.authenticate(secret)
    set_cookie(request, session)
    return session.principal


def address_of(request: Request) -> str | None:
    """Return the address of the connection's other end, in RFC 5952 form."""
    return None if request.client is None else str(ip_address(request.client.host))


def allowed(permission: Permission) -> Callable[[Principal], Principal]:
    """Return the dependency that lets only principals with `permission` pass."""

    def principal(found: Annotated[Principal, Depends(authenticated)]) -> Principal:
        require(found, permission)
        return found

    return principal


Reader = Annotated[Principal, Depends(allowed(Permission.READ))]
Administrator = Annotated[Principal, Depends(allowed(Permission.ADMINISTER))]
Exporter = Annotated[Principal, Depends(allowed(Permission.EXPORT))]
Verifier = Annotated[Principal, Depends(allowed(Permission.VERIFY))]
AnyServices = Annotated[Services, Depends(services_of)]
Address = Annotated[str | None, Depends(address_of)]


async def tenant_of(stream: str, principal: Principal, services: Services) -> str:
    """Return whose stream it is: the caller's tenant, or nobody's for the root.

    The root names no tenant and holds only heads, so every reader may see it.

    Raises:
        AccessError: `record-unknown` (404): the stream is not there, or another tenant's.
    """
    if stream == services.installation.root_stream:
        return ""
    for known in (await services.sequencer.snapshot()).streams:
        if known.stream == stream and known.tenant == principal.tenant:
            return principal.tenant
    raise AccessError("record-unknown", "there is no such record", status=404)
