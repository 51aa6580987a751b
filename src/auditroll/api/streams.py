"""Streams, checkpoints, and everything an evidence bundle is made of."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import PlainTextResponse, StreamingResponse

from auditroll.access import Principal
from auditroll.api.records import StreamId
from auditroll.api.state import Address, AnyServices, Exporter, Reader, Services, tenant_of
from auditroll.errors import ProducerError
from auditroll.seal import Head, Listing
from auditroll.tlog import Line, encode_line

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["streams"])

PIECE_OCTETS = 2**18
TEXT = "text/plain; charset=utf-8"


class Export(BaseModel):
    """Which streams to export; the root and each ledger come with them."""

    model_config = ConfigDict(extra="forbid")
    streams: list[Annotated[str, Field(pattern="^[0-9a-f]{32}$")]] = Field(
        default=[], max_length=10_000
    )


@router.get("/streams")
async def streams(principal: Reader, services: AnyServices) -> dict[str, Any]:
    """List the root stream and the caller's tenant's streams."""
    heads = await _visible(principal, services)
    return {"streams": [_shown(head) for head in heads]}


@router.get("/checkpoint", response_class=PlainTextResponse)
async def root_checkpoint(_principal: Reader, services: AnyServices) -> PlainTextResponse:
    """Return the newest signed checkpoint of the root stream, a C2SP signed note."""
    return PlainTextResponse(await services.sequencer.root_checkpoint())


@router.get("/streams/{stream}/checkpoint", response_class=PlainTextResponse)
async def stream_checkpoint(
    stream: StreamId, principal: Reader, services: AnyServices
) -> PlainTextResponse:
    """Return a signed checkpoint of the stream's newest listed head."""
    await tenant_of(stream, principal, services)
    return PlainTextResponse(await services.sequencer.stream_checkpoint(stream))


@router.get("/streams/{stream}/consistency")
async def consistency(
    stream: StreamId,
    principal: Reader,
    services: AnyServices,
    old: Annotated[int, Query(ge=1, lt=2**53)],
    size: Annotated[int, Query(ge=1, lt=2**53)],
) -> dict[str, Any]:
    """Prove that the tree of `old` records is a prefix of the tree of `size` records."""
    await tenant_of(stream, principal, services)
    proof = await services.sequencer.consistency(stream, old, size)
    return {"old": old, "size": size, "proof": [hash_.hex() for hash_ in proof]}


@router.get("/streams/{stream}/lines", response_class=StreamingResponse)
async def lines(
    stream: StreamId,
    principal: Exporter,
    services: AnyServices,
    address: Address,
    first: Annotated[int, Query(ge=0, lt=2**53)] = 0,
    end: Annotated[int | None, Query(ge=0, lt=2**53)] = None,
) -> StreamingResponse:
    """Return a stream's lines, each with its LF, as an evidence bundle holds them; recorded."""
    tenant = await tenant_of(stream, principal, services)
    await services.own.record(
        principal, "audit.export", "EXPORT", resource="stream", address=address
    )
    found = services.engine.lines(tenant, stream, first=first, end=end)
    return StreamingResponse(_pieces(found), media_type="application/x-ndjson")


@router.post("/exports")
async def export(
    body: Export, principal: Exporter, services: AnyServices, address: Address
) -> dict[str, Any]:
    """Fix the heads of an evidence bundle: list them, sign them, and say what to expect.

    The export is recorded before it begins, so it stands in the bundle itself.
    """
    await services.own.record(
        principal, "audit.export", "EXPORT", resource="bundle", address=address
    )
    visible = await _visible(principal, services)
    kinds = {head.stream: head.kind for head in visible}
    listing = await services.sequencer.relist(_with_ledgers(body.streams, visible))
    streams = [
        {
            "stream": stream,
            "kind": kinds[stream],
            "size": size,
            "checkpoint": listing.checkpoints[stream],
        }
        for stream, size in sorted(listing.sizes.items())
    ]
    return {"streams": streams, "trust": _trust(listing, services)}


def _with_ledgers(wanted: list[str], visible: list[Head]) -> list[str]:
    """Return the streams to export: those wanted, or all, and the ledger of each tenant."""
    known = {head.stream: head for head in visible if head.kind != "root"}
    roots = {head.stream for head in visible if head.kind == "root"}
    chosen = [stream for stream in (wanted or known) if stream not in roots]
    if unknown := set(chosen) - known.keys():
        raise ProducerError("stream-unknown", f"there is no stream {min(unknown)}", status=404)
    tenants = {known[stream].tenant for stream in chosen}
    ledgers = [h.stream for h in known.values() if h.kind == "ledger" and h.tenant in tenants]
    return sorted({*chosen, *ledgers})


def _trust(listing: Listing, services: Services) -> dict[str, Any]:
    installation = services.installation
    return {
        "format": "auditroll-trust/1",
        "installation": installation.name,
        "keys": [{"alg": "ed25519", "public": installation.public_key}],
        "root_stream": installation.root_stream,
        "streams": [
            {"min_size": size, "stream": stream} for stream, size in sorted(listing.sizes.items())
        ],
    }


async def _visible(principal: Principal, services: Services) -> list[Head]:
    heads = await services.sequencer.heads()
    return [head for head in heads if head.kind == "root" or head.tenant == principal.tenant]


def _shown(head: Head) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "stream": head.stream,
        "kind": head.kind,
        "size": head.size,
        "sealed": head.sealed,
        "listed": head.listed,
        "root": head.root,
    }
    if head.tenant:
        shown["tenant"] = head.tenant
    if head.data_class:
        shown["data_class"] = head.data_class
    return shown


def _pieces(found: Iterator[Line]) -> Iterator[bytes]:
    """Yield lines in pieces, so that a million lines are not a million writes."""
    piece = bytearray()
    for line in found:
        piece += encode_line(line)
        if len(piece) >= PIECE_OCTETS:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)
