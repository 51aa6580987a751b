import orjson
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route as StarletteRoute

from auditroll.capture.audit import audit
from auditroll.capture.routes import AuditExempt, Route
from tests.unit.capture.harness import audited, get


def app_of(purpose=None):
    async def patient(request):
        if purpose:
            audit.purpose(purpose)
        return JSONResponse({"name": "Jane"})

    async def rows():
        yield b"one"
        yield b"two"

    async def export(request):
        return StreamingResponse(rows())

    async def boom(request):
        raise RuntimeError

    return Starlette(
        routes=[
            StarletteRoute("/patients/{pid}", patient),
            StarletteRoute("/export", export),
            StarletteRoute("/boom", boom),
        ]
    )


STRICT = {"/patients/{pid}": Route(mode="strict"), "/export": Route(mode="strict")}


def test_strict_makes_the_record_durable_before_the_first_octet():
    order = []
    app, recorder, _ = audited(app_of(), routes=STRICT)
    sync, record = recorder.sync, recorder.record
    recorder.sync = lambda: order.append("sync") or sync()
    recorder.record = lambda fields, mode: (
        order.append(fields["event_type"]) or record(fields, mode=mode)
    )
    server = get(app, "/patients/1")
    assert server.status == 200
    assert order == ["http.request", "sync"]
    assert recorder.only["status_code"] == 200
    assert recorder.modes == ["strict"]
    assert recorder.only["bytes_out"] == len(server.body)


def test_strict_answers_503_when_the_record_cannot_be_made_durable():
    app, recorder, capture = audited(app_of(), routes=STRICT)
    recorder.can_sync = False
    server = get(app, "/patients/1")
    assert server.status == 503
    assert orjson.loads(server.body)["code"] == "audit-unavailable"
    assert (b"retry-after", b"5") in server.sent[0]["headers"]
    assert b"Jane" not in server.body
    assert capture.counters.refused == 1


def test_a_strict_stream_is_announced_before_its_first_octet():
    app, recorder, _ = audited(app_of(), routes=STRICT)
    server = get(app, "/export")
    assert server.body == b"onetwo"
    intent, final = recorder.records
    assert intent["event_type"] == "data.access"
    assert (intent["outcome"], intent["success"]) == ("unknown", False)
    assert "http_method" not in intent
    assert "status_code" not in intent
    assert (final["event_type"], final["outcome"]) == ("http.request", "ok")
    assert final["bytes_out"] == 6
    assert intent["request_id"] == final["request_id"]
    assert recorder.syncs == 1


def test_a_strict_stream_that_cannot_be_announced_does_not_start():
    app, recorder, _ = audited(app_of(), routes=STRICT)
    recorder.can_sync = False
    server = get(app, "/export")
    assert server.status == 503
    assert b"one" not in server.body
    assert recorder.records[-1]["status_code"] == 503


def test_strict_as_the_applications_mode_spares_exempt_routes():
    app, recorder, _ = audited(
        app_of(), routes={"/patients/{pid}": AuditExempt("test")}, mode="strict"
    )
    get(app, "/patients/1")
    assert recorder.syncs == 0
    assert recorder.records == []
    assert get(app, "/nope").status == 404
    assert recorder.syncs == 1


def test_other_routes_of_a_gated_application_do_not_wait():
    app, recorder, _ = audited(app_of(), routes={"/patients/{pid}": Route(mode="strict")})
    assert get(app, "/export").body == b"onetwo"
    assert get(app, "/boom").status == 500
    assert recorder.syncs == 0


def test_a_missing_purpose_is_refused_before_data_leaves():
    routes = {"/patients/{pid}": Route(purpose_required=True)}
    app, recorder, _ = audited(app_of(), routes=routes)
    server = get(app, "/patients/1")
    assert server.status == 403
    assert orjson.loads(server.body)["code"] == "purpose-required"
    assert b"Jane" not in server.body
    assert (recorder.only["status_code"], recorder.only["outcome"]) == (403, "denied")
    assert recorder.only["error_code"] == "purpose-required"


def test_a_stated_purpose_passes():
    routes = {"/patients/{pid}": Route(purpose_required=True, mode="strict")}
    app, recorder, _ = audited(app_of("treatment"), routes=routes)
    assert get(app, "/patients/1").status == 200
    assert recorder.only["purpose_of_use"] == "treatment"


def test_denied_requests_to_exempt_routes_are_recorded_even_so():
    async def health(request):
        return JSONResponse({}, status_code=int(request.path_params["status"]))

    app, recorder, capture = audited(
        Starlette(routes=[StarletteRoute("/health/{status}", health)]),
        routes={"/health/{status}": AuditExempt("liveness probe")},
    )
    for status in (200, 500, 401, 403):
        get(app, f"/health/{status}")
    assert [one["status_code"] for one in recorder.records] == [401, 403]
    assert capture.counters.exempt == 2
    assert capture.counters.requests == 4
