from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from auditroll.capture.audit import audit
from auditroll.capture.context import MAX_REFERENCES, Context, current
from auditroll.capture.digests import KeyedHash
from auditroll.capture.identity import Actor
from tests.unit.capture.harness import KEYED, audited, get


def record_of(say, **settings):
    async def handler(request):
        say()
        return JSONResponse({})

    app, recorder, _ = audited(Starlette(routes=[Route("/notes/{nid}", handler)]), **settings)
    get(app, "/notes/9")
    return recorder.only


def test_everything_that_can_be_said():
    def say():
        audit.actor(
            "dr.lee@clinic.example",
            role="physician",
            auth_method="oidc",
            actor_type="human",
            on_behalf_of="dr.kim@clinic.example",
            session="sid-1",
        )
        audit.purpose("break-glass", justification="INC-7", lawful_basis="vital-interests")
        audit.resource("patient", 1274)
        audit.subject("patient", "1274")
        audit.action("EXPORT")
        audit.ticket("CHG-1")
        audit.changed_fields(["name", "email", "name"])
        audit.error("stale-version")
        audit.ext({"ward": "w3"})
        audit.ext({"beds": 4})

    record = record_of(say)
    expected = {
        "user_id": "dr.lee@clinic.example",
        "user_role": "physician",
        "auth_method": "oidc",
        "actor_type": "human",
        "on_behalf_of": "dr.kim@clinic.example",
        "session_ref": KEYED.of(b"sid-1"),
        "purpose_of_use": "break-glass",
        "justification_ref": "INC-7",
        "lawful_basis": "vital-interests",
        "resource_type": "patient",
        "resource_id": "patient:1274",
        "subject_id": "patient:1274",
        "action_type": "EXPORT",
        "change_ticket": "CHG-1",
        "changed_fields": ["email", "name"],
        "error_code": "stale-version",
        "ext": {"ward": "w3", "beds": 4},
    }
    assert expected.items() <= record.items()


def test_the_justification_can_be_said_alone():
    assert record_of(lambda: audit.justification("INC-8"))["justification_ref"] == "INC-8"


def test_a_count_may_exceed_what_is_named():
    record = record_of(lambda: audit.resources("note", ["1"], count=40))
    assert record["resource_ids"] == ["note:1"]
    assert record["resource_count"] == 40


def test_a_count_alone():
    record = record_of(lambda: audit.resources("note", [], count=40))
    assert record["resource_count"] == 40
    assert "resource_ids" not in record


def test_outside_a_request_nothing_happens():
    audit.actor("jane@example.com", session="x")
    audit.resources("patient", [1])
    audit.ext({"a": 1})
    assert audit.request_id is None
    assert audit.headers() == {}
    assert audit.carry() == {}


def test_references_beyond_the_limit_are_counted():
    token = current.set(context := Context("0" * 32))
    try:
        context.references = ["n:1"] * MAX_REFERENCES
        audit.resources("n", [2, 3])
    finally:
        current.reset(token)
    assert len(context.references) == MAX_REFERENCES
    assert context.unnamed == 2


class Backend(AuthenticationBackend):
    async def authenticate(self, conn):
        return AuthCredentials(["authenticated"]), SimpleUser("dr.lee@clinic.example")


def test_the_user_of_starlettes_authentication_is_the_actor():
    async def handler(request):
        return JSONResponse({})

    app = Starlette(
        routes=[Route("/", handler)],
        middleware=[Middleware(AuthenticationMiddleware, backend=Backend())],
    )
    app, recorder, _ = audited(app)
    get(app, "/")
    assert recorder.only["user_id"] == "dr.lee@clinic.example"


def test_identify_may_return_a_name_or_an_actor():
    assert record_of(lambda: None, identify=lambda scope: "ann")["user_id"] == "ann"
    found = record_of(lambda: None, identify=lambda scope: Actor("svc", actor_type="service"))
    assert (found["user_id"], found["actor_type"]) == ("svc", "service")


def test_what_the_application_says_stands_before_what_the_framework_knows():
    assert record_of(lambda: audit.actor("ann"), identify=lambda scope: "bob")["user_id"] == "ann"


def test_the_context_reaches_through_basehttpmiddleware():
    async def handler(request):
        audit.actor("ann")
        return JSONResponse({})

    async def dispatch(request, call_next):
        audit.purpose("treatment")
        return await call_next(request)

    app = Starlette(
        routes=[Route("/", handler)], middleware=[Middleware(BaseHTTPMiddleware, dispatch=dispatch)]
    )
    app, recorder, _ = audited(app)
    get(app, "/")
    assert recorder.only["user_id"] == "ann"
    assert recorder.only["purpose_of_use"] == "treatment"


def test_the_set_hash_does_not_depend_on_order():
    keyed = KeyedHash("k", b"k" * 32)
    assert keyed.of_set(["a:2", "a:1"]) == keyed.of_set(["a:1", "a:2"]) == keyed.of(b"a:1\na:2")
