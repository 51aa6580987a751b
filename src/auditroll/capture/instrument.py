"""`instrument`: the one call that makes an application or a worker leave records."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, overload

from auditroll.capture.access_log import AccessLog, guard_access_log
from auditroll.capture.address import AddressPolicy, ForwardedHeader
from auditroll.capture.attach import attach
from auditroll.capture.audit import process
from auditroll.capture.capture import Capture, Settings
from auditroll.capture.digests import KeyedHash
from auditroll.capture.identity import Identify, authenticated_user
from auditroll.capture.routes import Declarations, Mode, RouteTable
from auditroll.capture.templates import RouteIndex
from auditroll.recorder import Recorder, load_credential
from auditroll.ship import Shipper
from auditroll.wire import ProducerCredential

__all__ = ["Environment", "instrument"]

Environment = Literal["production", "staging", "test", "development"]
Credential = str | Path | ProducerCredential

App = TypeVar("App")

_ENVIRONMENT: Final = "AUDITROLL_ENVIRONMENT"


@overload
def instrument(
    app: App,
    *,
    service: str,
    credential: Credential,
    environment: Environment | None = ...,
    routes: Declarations | None = ...,
    trusted_proxies: Sequence[str] = ...,
    forwarded_header: ForwardedHeader = ...,
    mode: Mode = ...,
    identify: Identify = ...,
    access_log: AccessLog = ...,
    spool: str | Path | None = ...,
    ship: bool = ...,
) -> App: ...
@overload
def instrument(
    *,
    service: str,
    credential: Credential,
    environment: Environment | None = ...,
    mode: Mode = ...,
    spool: str | Path | None = ...,
    ship: bool = ...,
) -> None: ...
def instrument(
    app: Any = None,
    *,
    service: str,
    credential: Credential,
    environment: Environment | None = None,
    routes: Declarations | None = None,
    trusted_proxies: Sequence[str] = (),
    forwarded_header: ForwardedHeader = "x-forwarded-for",
    mode: Mode = "durable",
    identify: Identify = authenticated_user,
    access_log: AccessLog = "redact",
    spool: str | Path | None = None,
    ship: bool = True,
) -> Any:
    """Record every request of an application; without one, the jobs of this process.

    Nothing is opened and no thread is started before the first record, so a process may fork
    after this call. The collector need not be reachable.

    Args:
        app: FastAPI, Starlette or Litestar application, changed in place, or any ASGI callable,
            for which what is returned is to be used.
        service: Name of the service in its records; one of the credential's.
        credential: The producer's credential, or its file.
        environment: Where the service runs; by default what `AUDITROLL_ENVIRONMENT` says, else
            `production`.
        routes: What routes touch where their templates do not tell, by template.
        trusted_proxies: Networks of your own proxies in CIDR form, `unix` for a Unix socket.
        forwarded_header: The header in which they name the client.
        mode: Durability where a route does not say.
        identify: Finds the actor from the ASGI scope where the application did not say.
        access_log: What uvicorn's access log may show.
        spool: Folder in which records wait; by default what `AUDITROLL_SPOOL` says, else the
            user's state folder.
        ship: Send records from a thread of this process; False leaves it to `auditroll agent`.

    Returns:
        The application.

    Raises:
        PolicyError: The credential, a route declaration or a trusted network is unusable.
    """
    held = credential if isinstance(credential, ProducerCredential) else load_credential(credential)
    chosen = environment or os.environ.get(_ENVIRONMENT) or "production"

    def begin() -> Recorder:
        return Recorder(
            held,
            service=service,
            environment=chosen,
            mode=mode,
            spool_root=Path(spool) if spool is not None else None,
            companion=Shipper.beside if ship else None,
        )

    recorder = begin()
    key = held.payload_key
    keyed = KeyedHash(key.id, bytes.fromhex(key.key))
    addresses = AddressPolicy(trusted_proxies, forwarded_header)
    settings = Settings(RouteTable(routes or {}), addresses, mode, identify)
    capture = Capture(recorder, keyed, settings, RouteIndex(app))
    process.capture, process.service = capture, service
    if app is None:
        return None
    guard_access_log(access_log)
    return attach(app, capture, _Life(capture, recorder, begin))


class _Life:
    """The recorder from one start of the server to its shutdown, and from the next one on."""

    def __init__(self, capture: Capture, recorder: Recorder, begin: Callable[[], Recorder]) -> None:
        self._capture = capture
        self._recorder = recorder
        self._begin = begin

    def start(self) -> None:
        """Begin the epoch, so that a service without requests is heard of too."""
        self._recorder.start()

    def close(self) -> None:
        """End the epoch; whatever comes later, as in a test that starts again, has a new one."""
        self._recorder.close()
        self._capture.recorder = self._recorder = self._begin()
