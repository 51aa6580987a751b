"""What runs and what lags; nothing here shows a record."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from fastapi import APIRouter, Response
from starlette.responses import PlainTextResponse

from auditroll.api.state import AnyServices, Reader, Services
from auditroll.seal import Head

__all__ = ["router"]

# Name, what it says, and how much of it one stream has.
GAUGES: Final[Sequence[tuple[str, str, Callable[[Head], int]]]] = (
    ("records", "Records in the log.", lambda head: head.size),
    ("sealed_records", "Records in sealed segments.", lambda head: head.sealed),
    ("unlisted_records", "Records no signed root covers yet.", lambda h: h.size - h.listed),
)

router = APIRouter(prefix="/v1", tags=["operations"])


@router.get("/health")
async def health(services: AnyServices, response: Response) -> dict[str, bool]:
    """Tell load balancers whether records are accepted: 200 or 503. Needs no session."""
    healthy = services.sequencer.alive
    response.status_code = 200 if healthy else 503
    return {"healthy": healthy}


@router.get("/status")
async def status(_principal: Reader, services: AnyServices) -> dict[str, Any]:
    """Tell what runs, what was rebuilt, and how far each step has come."""
    now = await services.sequencer.snapshot()
    heads = await services.sequencer.heads()
    return {
        "healthy": services.sequencer.alive,
        "installation": services.installation.name,
        "streams": len(heads),
        "records": sum(head.size for head in heads),
        "lag": {
            "unlisted_records": sum(head.size - head.listed for head in heads),
            "unsealed_records": sum(head.size - head.sealed for head in heads),
            "unsealed_octets": now.unsealed_octets,
            "octets_under_way": services.collector.room.held(),
        },
        "problem": now.problem,
        "rebuilt": await services.sequencer.rebuilt(),
        "catalogue": dict(services.engine.status()),
        "findings": len(services.findings.open()),
        "separation": "none: one operator, keys beside the data",
    }


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(_principal: Reader, services: AnyServices) -> PlainTextResponse:
    """Return the counters in the Prometheus text format."""
    return PlainTextResponse(
        await _exposition(services), media_type="text/plain; version=0.0.4; charset=utf-8"
    )


async def _exposition(services: Services) -> str:
    heads = await services.sequencer.heads()
    by_kind = {
        kind: [head for head in heads if head.kind == kind] for kind in ("root", "ledger", "data")
    }
    rows = [
        "# HELP auditroll_up Whether the sequencer runs.",
        "# TYPE auditroll_up gauge",
        f"auditroll_up {int(services.sequencer.alive)}",
    ]
    for name, help_text, measure in GAUGES:
        rows += [f"# HELP auditroll_{name} {help_text}", f"# TYPE auditroll_{name} gauge"]
        rows += [
            f'auditroll_{name}{{kind="{kind}"}} {sum(map(measure, found))}'
            for kind, found in by_kind.items()
        ]
    rows += [
        "# HELP auditroll_open_findings Gaps and silent producers that stand.",
        "# TYPE auditroll_open_findings gauge",
        f"auditroll_open_findings {len(services.findings.open())}",
        "# HELP auditroll_octets_under_way Octets of batches that wait for their answer.",
        "# TYPE auditroll_octets_under_way gauge",
        f"auditroll_octets_under_way {services.collector.room.held()}",
    ]
    return "\n".join(rows) + "\n"
