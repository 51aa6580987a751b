"""Producers: registered, listed and revoked by an administrator."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from auditroll.access import Producer
from auditroll.api.credential import credential_of
from auditroll.api.state import Address, Administrator, AnyServices, Services
from auditroll.errors import AccessError

__all__ = ["router"]

router = APIRouter(prefix="/v1/producers", tags=["producers"])

Name = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._-]{0,63}$")]
ProducerName = Annotated[str, Path(pattern="^[a-z0-9][a-z0-9._-]{0,63}$")]


class Registration(BaseModel):
    """A new producer and the services it may write for."""

    model_config = ConfigDict(extra="forbid")
    producer: Name
    services: list[Name] = Field(min_length=1, max_length=256)


@router.get("")
async def producers(principal: Administrator, services: AnyServices) -> dict[str, Any]:
    """List the tenant's producers, without their keys."""
    found = services.control.producers.list()
    mine = [_shown(producer) for producer in found if producer.tenant == principal.tenant]
    return {"producers": mine}


@router.post("", status_code=201)
async def register(
    body: Registration,
    principal: Administrator,
    request: Request,
    services: AnyServices,
    address: Address,
) -> Response:
    """Register a producer and return its credential file, which is shown this once."""
    await services.own.record(
        principal, "config.change", "CREATE", resource="producer", address=address
    )
    _, key = services.control.producers.register(body.producer, principal.tenant, body.services)
    base = f"{request.url.scheme}://{request.url.netloc}"
    credential = credential_of(services.control, services.keyring, body.producer, key, base)
    return Response(credential.encode(), status_code=201, media_type="application/json")


@router.post("/{producer}/revoke", status_code=204)
async def revoke(
    producer: ProducerName, principal: Administrator, services: AnyServices, address: Address
) -> Response:
    """Refuse a producer from now on."""
    _mine(producer, principal.tenant, services)
    await services.own.record(
        principal, "config.change", "DELETE", resource="producer", address=address
    )
    services.control.producers.revoke(producer)
    return Response(status_code=204)


def _mine(producer: str, tenant: str, services: Services) -> None:
    if services.control.producers.get(producer).tenant != tenant:
        raise AccessError("producer-unknown", "there is no such producer", status=404)


def _shown(producer: Producer) -> dict[str, Any]:
    return {
        "producer": producer.producer,
        "services": sorted(producer.services),
        "revoked": producer.revoked is not None,
    }
