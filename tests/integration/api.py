"""A whole collector in this process, asked over ASGI."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio import to_thread
from argon2 import PasswordHasher

from auditroll import console
from auditroll.access import Account, Tenant, accounts
from auditroll.api import Services, create_app
from auditroll.query import Filter, Query
from auditroll.service import Settings, started

BASE = "http://127.0.0.1:8600"
CSRF = {"X-Auditroll-Console": "1"}
PASSWORD = "a long enough pass phrase"
MINE, OTHER = "default", "other"


class Api:
    """The application and a credential of every kind.

    Two tenants have records; the administrator, the reader and the producer belong to the first.
    """

    def __init__(self, services: Services, data: Path) -> None:
        self.services = services
        self.data = data
        self.app = create_app(
            services,
            hosts=["127.0.0.1"],
            content_security_policy=console.CONTENT_SECURITY_POLICY,
            pages=console.routes(),
        )
        control = services.control
        control.tenants.create(Tenant(tenant=OTHER))
        services.keyring.provision(OTHER)
        self.code = control.accounts.open_enrolment(MINE)
        self.producer = control.producers.register("clinic-api", MINE, ["*"])[1]
        self.reader = control.tokens.issue(MINE, "reader")[1]
        self.stranger = control.tokens.issue(OTHER, "stranger")[1]
        self.account: Account | None = None

    def client(self, **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)

    def bearing(self, secret: str) -> httpx.AsyncClient:
        return self.client(Authorization=f"Bearer {secret}")

    def session(self) -> str:
        """Begin a session of the administrator and return its token."""
        assert self.account is not None
        secret = self.services.control.sessions.start(self.account).secret
        assert secret is not None
        return secret

    def signed_in(self, *, csrf: bool = True) -> httpx.AsyncClient:
        cookie = {"Cookie": f"auditroll_session={self.session()}"}
        return self.client(**cookie, **(CSRF if csrf else {}))

    async def records(self, **wanted: str) -> list[dict[str, Any]]:
        """Return the first tenant's records with these values, oldest first."""
        filters = [Filter(field, "eq", value) for field, value in wanted.items()]
        query = Query(MINE, filters, order="oldest", limit=1000)
        page = await to_thread.run_sync(self.services.engine.search, query)
        return list(page.rows)

    async def stream(self, tenant: str, kind: str = "data") -> str:
        """Return one stream of a tenant."""
        heads = await self.services.sequencer.heads()
        return next(head.stream for head in heads if (head.tenant, head.kind) == (tenant, kind))


@asynccontextmanager
async def api(data: Path) -> AsyncGenerator[Api]:
    """Run a collector; passwords are hashed cheaply."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    settings = Settings(data=data, host="127.0.0.1", port=0, ready_file=data / "run" / "ready.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "_hasher", lambda: cheap)
        async with started(settings) as services:
            made = Api(services, data)
            for secret in (made.reader, made.stranger):
                async with made.bearing(secret) as client:
                    answer = await client.post("/v1/records/search", json={})
                    assert answer.status_code == 200, answer.text
            enrolled = await _enrol(made)
            assert enrolled.status_code == 204, enrolled.text
            made.account = services.control.accounts.find("ada")
            yield made


async def _enrol(made: Api) -> httpx.Response:
    body = {"code": made.code, "name": "ada", "password": PASSWORD}
    async with made.client() as client:
        return await client.post("/v1/enrol", json=body)


def files_with(folder: Path, *texts: str) -> list[Path]:
    """Return the files below `folder` that hold one of the texts."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if any(text.encode() in path.read_bytes() for text in texts)]


def unknown_name() -> str:
    """Return what somebody may type as a name by mistake."""
    return f"My-Passw0rd-{secrets.token_hex(6)}"
