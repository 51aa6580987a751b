import pytest

from auditroll.capture.routes import UNMATCHED, AuditExempt, Route, RouteTable, normal_template
from auditroll.errors import PolicyError
from auditroll.event.grammar import GRAMMARS


def target(template, method="GET", **declared):
    table = RouteTable({template: Route(**declared)} if declared else {})
    plan = table.plan(normal_template(template), method)
    return plan.resource_type, plan.id_param


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("/patients/{pid}", ("patient", "pid")),
        ("/patients", ("patient", "")),
        ("/patients/{pid:int}", ("patient", "pid")),
        ("/patients/{pid}/discharge", ("patient", "pid")),
        ("/clinics/{cid}/patients/{pid}", ("patient", "pid")),
        ("/api/v1/lab-results/{rid}", ("lab_result", "rid")),
        ("/addresses/{aid}", ("address", "aid")),
        ("/categories/{cid}", ("category", "cid")),
        ("/boxes/{bid}", ("box", "bid")),
        ("/statuses/{sid}", ("status", "sid")),
        ("/analysis/{aid}", ("analysis", "aid")),
        ("/bus/{bid}", ("bus", "bid")),
        ("/{slug}", ("", "")),
        ("/", ("", "")),
        ("/files/{path:path}", ("file", "path")),
    ],
)
def test_defaults_follow_from_the_template(template, expected):
    assert target(template) == expected


def test_declarations_override_the_template():
    assert target("/search", resource_type="patient") == ("patient", "")
    assert target("/p/{a}/{b}", resource_type="patient", id_param="a") == ("patient", "a")
    assert target("/patients/{pid}", id_param="") == ("patient", "")


def test_a_declaration_may_name_the_method():
    table = RouteTable({"POST /patients/search": Route(action="READ")})
    assert table.plan("/patients/search", "POST").fields["action_type"] == "READ"
    assert table.plan("/patients/search", "PUT").fields["action_type"] == "UPDATE"


@pytest.mark.parametrize(
    ("method", "action"),
    [
        ("GET", "READ"),
        ("QUERY", "READ"),
        ("POST", "CREATE"),
        ("PUT", "UPDATE"),
        ("PATCH", "UPDATE"),
        ("DELETE", "DELETE"),
        ("HEAD", "EXECUTE"),
        ("OPTIONS", "EXECUTE"),
        ("geti", "EXECUTE"),
    ],
)
def test_the_method_tells_the_action(method, action):
    assert RouteTable({}).plan("/a", method).fields["action_type"] == action


def test_a_method_that_is_none_is_stored_as_other_and_takes_no_memory():
    table = RouteTable({})
    assert table.plan("/a", "jane@example.com").fields["http_method"] == "OTHER"
    assert len(table._plans) == 0


def test_no_template_is_unmatched_without_a_resource():
    plan = RouteTable({}).plan(None, "GET")
    assert plan.fields["route"] == UNMATCHED
    assert plan.template is None
    assert "resource_type" not in plan.fields


def test_an_exemption_has_a_reason():
    assert RouteTable({"/health": AuditExempt("liveness probe")}).plan("/health", "GET").exempt
    with pytest.raises(PolicyError):
        AuditExempt(" ")


@pytest.mark.parametrize("key", ["patients", "FETCH /patients", "GET patients", ""])
def test_a_declaration_that_names_no_route_is_refused(key):
    with pytest.raises(PolicyError) as caught:
        RouteTable({key: Route()})
    assert caught.value.code == "route-declaration"


def test_a_resource_type_outside_the_grammar_is_refused():
    with pytest.raises(PolicyError):
        Route(resource_type="Patient Record")


@pytest.mark.parametrize(
    "template",
    ["/patients/{pid:int}", "/größe/{a}", "no-slash", "/a b@c", "/" + "x" * 500, "/{p:path}"],
)
def test_every_template_fits_the_grammar(template):
    assert GRAMMARS["ROUTE"](normal_template(template))


def test_only_strict_and_purpose_bound_routes_make_a_table_gated():
    assert not RouteTable({"/a": Route(action="EXPORT")}).gated
    assert RouteTable({"/a": Route(mode="strict")}).gated
    assert RouteTable({"/a": Route(purpose_required=True)}).gated
