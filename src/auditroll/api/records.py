"""Search, one record, and its proof."""

from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from auditroll.access import Principal
from auditroll.api.questions import by_question
from auditroll.api.state import Address, AnyServices, Reader, Services, Verifier, tenant_of
from auditroll.clock import now_ms
from auditroll.errors import ProducerError
from auditroll.event.times import parse_time
from auditroll.query import Filter, Page, Query
from auditroll.tlog import Line, encode_line
from auditroll.tlog.proof import format_tlog_proof

__all__ = ["Index", "StreamId", "router"]

router = APIRouter(prefix="/v1/records", tags=["records"])

StreamId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", max_length=32)]
Index = Annotated[int, Path(ge=0, lt=2**53)]
Time = Annotated[
    str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$")
]


class SearchFilter(BaseModel):
    """One condition on one field of the record schema."""

    model_config = ConfigDict(extra="forbid")
    field: str = Field(max_length=64)
    op: Literal["eq", "ne", "lt", "lte", "gt", "gte", "in", "prefix", "contains", "exists"] = "eq"
    value: str | int | bool | list[str | int] = Field(union_mode="smart")


class Search(BaseModel):
    """All conditions must hold; every page shows the log as it was at the first one."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    filters: list[SearchFilter] = Field(default=[], max_length=32)
    since: Time | None = Field(default=None, alias="from")
    until: Time | None = Field(default=None, alias="to")
    order: Literal["newest", "oldest"] = "newest"
    limit: int = Field(default=50, ge=1, le=1000)
    cursor: str | None = Field(default=None, max_length=65_536)
    streams: list[Annotated[str, Field(pattern="^[0-9a-f]{32}$")]] = Field(
        default=[], max_length=64
    )
    live: bool = Field(
        default=False,
        description="A repetition of a watched search: recorded when it begins, then now and then.",
    )

    def query(self, tenant: str) -> Query:
        """Return the search of `tenant`'s records.

        Raises:
            ProducerError: `query-invalid`: a time is no real instant.
        """
        return Query(
            tenant=tenant,
            filters=[Filter(item.field, item.op, item.value) for item in self.filters],
            time_from=_instant(self.since),
            time_to=_instant(self.until),
            order=self.order,
            limit=self.limit,
            cursor=self.cursor,
            streams=self.streams,
        )


@router.post("/search")
async def search(
    body: Search, principal: Reader, services: AnyServices, address: Address
) -> dict[str, Any]:
    """Find records of the caller's tenant. The search itself is recorded."""
    page = await to_thread.run_sync(services.engine.search, body.query(principal.tenant))
    what = body.model_dump_json(exclude={"live"})
    if not body.live or services.watched.begins(principal.id, what, now_ms()):
        # Who searched and how many rows came; never the values.
        await services.own.record(
            principal,
            "audit.search",
            "READ",
            resource="record",
            address=address,
            resource_count=len(page.rows),
        )
    return _shown(page)


def _shown(page: Page) -> dict[str, Any]:
    return {
        "rows": page.rows,
        "cursor": page.cursor,
        "truncated": page.truncated,
        "pinned": {
            "root_checkpoint": page.pinned.root_checkpoint,
            "streams": dict(page.pinned.streams),
        },
        "unreadable": [
            {"stream": gap.stream, "range": [gap.first, gap.end], "code": gap.code}
            for gap in page.unreadable
        ],
    }


@router.get("/{stream}/{index}")
async def record(
    stream: StreamId, index: Index, principal: Reader, services: AnyServices, address: Address
) -> dict[str, Any]:
    """Return one record by the questions it answers. The view is recorded."""
    line = await _line(stream, index, principal, services)
    await services.own.record(principal, "data.access", "READ", resource="record", address=address)
    found = line.record()
    return {
        "record": found,
        "questions": by_question(found),
        "leaf": line.leaf.decode(),
        "line": encode_line(line).decode().rstrip("\n"),
    }


@router.get("/{stream}/{index}/proof")
async def proof(
    stream: StreamId, index: Index, principal: Verifier, services: AnyServices, address: Address
) -> dict[str, Any]:
    """Return the record's line, its audit path, and a signed checkpoint of that size.

    The line shows the record, so this is recorded as a view of it.
    """
    line = await _line(stream, index, principal, services)
    await services.own.record(principal, "data.access", "READ", resource="proof", address=address)
    size, checkpoint = await _signed_head(stream, index, services)
    path = await services.sequencer.inclusion(stream, index, size)
    return {
        "line": encode_line(line).decode().rstrip("\n"),
        "index": index,
        "size": size,
        "path": [hash_.hex() for hash_ in path],
        "checkpoint": checkpoint,
        "tlog_proof": format_tlog_proof(index, path, checkpoint),
    }


async def _line(stream: str, index: int, principal: Principal, services: Services) -> Line:
    tenant = await tenant_of(stream, principal, services)
    return await to_thread.run_sync(services.engine.line, tenant, stream, index)


async def _signed_head(stream: str, index: int, services: Services) -> tuple[int, str]:
    """Return size and checkpoint of a listed head that holds the record; list one if needed."""
    heads = {head.stream: head for head in await services.sequencer.heads()}
    if heads[stream].listed <= index:
        await services.sequencer.relist([stream])
    checkpoint = await services.sequencer.stream_checkpoint(stream)
    # Size as signed: the head may have grown between the two calls.
    return int(checkpoint.split("\n", 2)[1]), checkpoint


def _instant(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError:
        raise ProducerError("query-invalid", "a time is no real instant") from None
