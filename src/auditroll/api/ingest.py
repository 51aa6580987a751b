"""The routes of producers: raw octets in, one acknowledgement out."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from auditroll.api.problems import problem_response
from auditroll.api.state import Services, bearer
from auditroll.errors import Error, ProducerError
from auditroll.wire.batch import MAX_BODY_OCTETS

__all__ = ["EVENTS", "routes"]

EVENTS: Final = "/v1/events"


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes that a producer's credential opens; it opens no other."""

    async def events(request: Request) -> Response:
        try:
            key = bearer(request.headers)
            # No octet of a stranger's body is kept.
            services.control.producers.authenticate(key)
            body = await _body(request)
            answer = await services.collector.ingest(key, dict(request.headers), body)
        except Error as error:
            return problem_response(error)
        return Response(answer.encode(), media_type="application/json")

    async def epoch(request: Request) -> Response:
        try:
            state = await services.collector.epoch(
                bearer(request.headers), request.path_params["epoch"]
            )
        except Error as error:
            return problem_response(error)
        return Response(state.encode(), media_type="application/json")

    return [
        Route(EVENTS, events, methods=["POST"]),
        Route("/v1/producers/self/epochs/{epoch:str}", epoch, methods=["GET"]),
    ]


async def _body(request: Request) -> bytes:
    """Read at most the octets a batch may have; a longer body is refused while it arrives."""
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > MAX_BODY_OCTETS:
            raise ProducerError(
                "batch-too-large",
                f"a batch has at most {MAX_BODY_OCTETS} octets as sent",
                hint="Send fewer lines in a batch.",
                status=413,
            )
        pieces.append(piece)
    return b"".join(pieces)
