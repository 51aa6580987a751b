"""From an entry to a record: outcomes, pseudonyms, nothing raw."""

import hmac
from hashlib import sha256

import msgspec
import pytest

from auditroll.errors import PolicyError
from auditroll.event import Envelope, Event
from auditroll.event.check import check_event
from auditroll.ingest.build import UNMATCHED, Builder
from auditroll.ingest.entry import Entry, Unreadable
from auditroll.ingest.hops import Proxies, parse_address
from auditroll.ingest.identities import Identities
from auditroll.wire import open_identity
from tests.unit.ingest.fake_collector import FakeCollector

EPOCH = "0" * 32


def event(builder: Builder, entry: Entry, seq: int = 7) -> Event:
    decoded = msgspec.json.decode(builder.line(entry, EPOCH, seq), type=Event)
    fields = {
        name: value
        for name in Event.__struct_fields__
        if (value := getattr(decoded, name)) is not msgspec.UNSET
    }
    check_event(fields, stored=False)
    return decoded


@pytest.fixture
def builder(collector: FakeCollector) -> Builder:
    return Builder(collector.credential(), "web", "staging", Proxies(["10.0.0.0/8"]))


def test_a_request(collector: FakeCollector, builder: Builder) -> None:
    made = event(
        builder,
        Entry(
            1_431_857_103_000,
            hops=["192.0.2.7", "10.0.0.1"],
            user="jane@example.com",
            method="GET",
            target="/patients/jane?x=1",
            status=200,
            bytes_out=5,
            latency_ms=12,
            agent="curl/8.1.2",
        ),
    )
    assert made.timestamp == "2015-05-17T10:05:03.000Z"
    assert made.producer_seq == 7
    assert (made.action_type, made.http_method, made.outcome) == ("READ", "GET", "ok")
    assert (made.service_name, made.environment) == ("web", "staging")
    assert made.route == UNMATCHED
    assert (made.bytes_out, made.latency_ms, made.actor_type) == (5, 12, "service")
    assert made.source_net == "192.0.2.0/24"
    key = sha256(b"payload").digest()
    assert made.path_ref == "hmac:pk-1:" + hmac.digest(key, b"/patients/jane", sha256).hex()
    private = collector.private.private_bytes_raw()
    assert isinstance(made.user_id, Envelope)
    assert isinstance(made.source_ip, Envelope)
    assert open_identity(private, made.user_id, "acme", "user") == "jane@example.com"
    assert open_identity(private, made.source_ip, "acme", "ip") == "192.0.2.7"


def test_nothing_raw_is_in_the_line(builder: Builder) -> None:
    line = builder.line(
        Entry(
            1_431_857_103_000,
            hops=["192.0.2.7"],
            user="jane-canary",
            method="GET",
            target="/path-canary?query-canary",
            status=200,
            agent="agent (mail-canary@example.com)",
        ),
        EPOCH,
        0,
    )
    for canary in (b"jane-canary", b"path-canary", b"query-canary", b"mail-canary", b"192.0.2.7"):
        assert canary not in line
    assert b'"redactions":{"EMAIL":1}' in line


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (0, "unknown"),
        (101, "ok"),
        (200, "ok"),
        (304, "ok"),
        (401, "denied"),
        (403, "denied"),
        (404, "error"),
        (499, "aborted_client"),
        (500, "error"),
    ],
)
def test_outcomes(builder: Builder, status: int, outcome: str) -> None:
    made = event(builder, Entry(1, method="GET", target="/", status=status))
    assert made.outcome == outcome
    assert made.success == (outcome == "ok")
    assert (made.http_method is msgspec.UNSET) == (status == 0)


@pytest.mark.parametrize(
    ("method", "stored", "action"),
    [
        ("POST", "POST", "CREATE"),
        ("PUT", "PUT", "UPDATE"),
        ("DELETE", "DELETE", "DELETE"),
        ("HEAD", "HEAD", "EXECUTE"),
        ("OPTIONS", "OPTIONS", "EXECUTE"),
        ("geti", "OTHER", "EXECUTE"),
        ("-", "OTHER", "EXECUTE"),
    ],
)
def test_methods(builder: Builder, method: str, stored: str, action: str) -> None:
    made = event(builder, Entry(1, method=method, target="/", status=200))
    assert (made.http_method, made.action_type) == (stored, action)


def test_an_empty_request(builder: Builder) -> None:
    made = event(builder, Entry(1, status=408))
    assert made.http_method is msgspec.UNSET
    assert made.route is msgspec.UNSET
    assert made.path_ref is msgspec.UNSET
    assert (made.user_id, made.actor_type) == ("anonymous", "human")


def test_a_host_name_is_no_address_and_is_dropped(builder: Builder) -> None:
    made = event(builder, Entry(1, hops=["janes-laptop"], status=200, dropped=1))
    assert made.source_ip is msgspec.UNSET
    assert made.dropped_fields == 2


def test_mapped_fields_win_but_not_over_the_status(builder: Builder) -> None:
    entry = Entry(1, method="GET", target="/", status=500, fields={"outcome": "ok", "route": "/x"})
    made = event(builder, entry)
    assert (made.outcome, made.success, made.route) == ("error", False, "/x")
    made = event(builder, Entry(1, fields={"outcome": "denied"}))
    assert (made.outcome, made.success) == ("denied", False)


def test_ids_depend_on_the_place_alone(builder: Builder) -> None:
    first = event(builder, Entry(1, status=200), 0)
    again = event(builder, Entry(1, status=200), 0)
    other = event(builder, Entry(1, status=200), 1)
    assert (first.event_id, first.request_id) == (again.event_id, again.request_id)
    assert first.event_id != other.event_id
    assert first.request_id != other.request_id


def test_an_identity_that_is_too_long(builder: Builder) -> None:
    with pytest.raises(Unreadable) as caught:
        builder.line(Entry(1, user="u" * 513, status=200), EPOCH, 0)
    assert caught.value.code == "identity"


def test_envelopes_are_made_once_and_not_kept_for_ever(collector: FakeCollector) -> None:
    identities = Identities(collector.credential(), limit=2)
    first = identities.envelope("ip", "192.0.2.1")
    assert identities.envelope("ip", "192.0.2.1") is first
    identities.envelope("ip", "192.0.2.2")
    identities.envelope("user", "192.0.2.1")
    assert identities.envelope("ip", "192.0.2.1") is not first


@pytest.mark.parametrize(
    ("text", "address", "net"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.0/24"),
        ("192.0.2.7:8080", "192.0.2.7", "192.0.2.0/24"),
        ("::ffff:10.0.0.9", "10.0.0.9", "10.0.0.0/24"),
        ("[2001:db8::1]:443", "2001:db8::1", "2001:db8::/48"),
        ("2001:0DB8:0::1", "2001:db8::1", "2001:db8::/48"),
        ("fe80::1%eth0", "fe80::1", "fe80::/48"),
    ],
)
def test_addresses(text: str, address: str, net: str) -> None:
    assert parse_address(text) == (address, net)


def test_the_client_behind_trusted_proxies() -> None:
    trusting = Proxies(["10.0.0.0/8", "2001:db8::/32"])
    assert trusting.client(["6.6.6.6", "192.0.2.7", "10.0.0.1"]) == ("192.0.2.7", "192.0.2.0/24")
    assert trusting.client(["10.0.0.2", "10.0.0.1"]) == ("10.0.0.2", "10.0.0.0/24")
    assert trusting.client(["jane@example.com", "10.0.0.1"]) == ("10.0.0.1", "10.0.0.0/24")
    assert Proxies().client(["192.0.2.7", "10.0.0.1"]) == ("10.0.0.1", "10.0.0.0/24")
    assert Proxies().client(["jane"]) is None
    assert Proxies().client([]) is None


def test_a_proxy_that_is_no_network() -> None:
    with pytest.raises(PolicyError) as caught:
        Proxies(["10.0.0.1/8"])
    assert caught.value.code == "bad-network"
