import pytest

from auditroll.capture.address import REJECTED, AddressPolicy
from auditroll.errors import PolicyError

PROXY = ("10.0.0.9", 443)


def find(forwarded, peer=PROXY, trusted=("10.0.0.0/8",), header="x-forwarded-for"):
    return AddressPolicy(trusted, header).find(peer, forwarded)


def source(forwarded, **more):
    return find(forwarded, **more).fields.get("source_ip")


def test_c7_a_direct_client_cannot_name_another_address():
    address = find("8.8.8.8", peer=("203.0.113.7", 1), trusted=())
    assert address.fields["source_ip"] == "203.0.113.7"
    assert not address.trusted


def test_c7_what_is_no_address_is_rejected_and_flagged():
    address = find("jane@example.com")
    assert "source_ip" not in address.fields
    assert "source_net" not in address.fields
    assert address.fields["redactions"] == {REJECTED: 1}
    assert address.fields["peer_net"] == "10.0.0.0/24"
    assert "jane" not in str(address)


def test_c7_an_ipv4_mapped_proxy_is_the_ipv4_proxy():
    address = find("198.51.100.4", peer=("::ffff:10.0.0.9", 1))
    assert address.fields["source_ip"] == "198.51.100.4"
    assert address.fields["peer_net"] == "10.0.0.0/24"
    assert address.trusted


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("6.6.6.6, 198.51.100.4", "198.51.100.4"),
        ("6.6.6.6, 198.51.100.4, 10.1.1.1", "198.51.100.4"),
        ("jane@example.com, 198.51.100.4", "198.51.100.4"),
        ("198.51.100.4:51234", "198.51.100.4"),
        ("[2001:db8::7]:51234", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("::ffff:198.51.100.4", "198.51.100.4"),
        ("10.1.1.1, 10.1.1.2", "10.1.1.1"),
        ("", "10.0.0.9"),
        (",,", "10.0.0.9"),
        ("198.51.100.4,", "198.51.100.4"),
    ],
)
def test_the_list_is_walked_from_the_right(forwarded, expected):
    assert source(forwarded) == expected


@pytest.mark.parametrize(
    "forwarded",
    [
        "198.51.100.4, nobody",
        "010.0.0.1",
        "1.2.3",
        "fe80::1%eth0",
        "[2001:db8::7",
        "[2001:db8::7]x",
        "198.51.100.4:http",
        "198.51.100.4:123456",
        "\u0661.1.1.1",
        "1.1.1.1\n2.2.2.2",
        "10.0.0.1," * 40 + "10.0.0.1",
    ],
)
def test_garbage_is_rejected_and_flagged(forwarded):
    address = find(forwarded)
    assert "source_ip" not in address.fields
    assert address.fields["redactions"] == {REJECTED: 1}


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("for=198.51.100.4", "198.51.100.4"),
        ('For="[2001:db8:cafe::17]:4711";proto=https;by=203.0.113.43', "2001:db8:cafe::17"),
        ("for=6.6.6.6, for=198.51.100.4;host=a", "198.51.100.4"),
        ('for=198.51.100.4;host="a,b;c"', "198.51.100.4"),
        ("for=6.6.6.6, for=unknown", None),
        ("for=_hidden", None),
        ("proto=https", None),
    ],
)
def test_rfc_7239(forwarded, expected):
    assert source(forwarded, header="forwarded") == expected


def test_a_hop_that_hides_itself_is_not_flagged():
    assert "redactions" not in find("for=unknown", header="forwarded").fields


def test_only_the_header_that_the_proxies_write_is_read():
    assert AddressPolicy(header="forwarded").header == b"forwarded"
    assert AddressPolicy().header == b"x-forwarded-for"


def test_networks_are_the_only_part_shown():
    assert find("2001:db8:1:2::7").fields["source_net"] == "2001:db8:1::/48"
    assert find("198.51.100.4").fields["source_net"] == "198.51.100.0/24"


def test_a_peer_that_the_server_rewrote_is_no_proxy():
    address = find("", peer=("198.51.100.4", 0))
    assert address.fields["source_ip"] == "198.51.100.4"
    assert "peer_net" not in address.fields
    assert not find("1.1.1.1", peer=("10.0.0.9", 0)).trusted
    assert find("", peer=("jane@example.com", 0)).fields == {"redactions": {REJECTED: 1}}


def test_a_unix_socket_is_trusted_only_when_named():
    assert source("198.51.100.4", peer=None, trusted=["unix"]) == "198.51.100.4"
    assert source("198.51.100.4", peer=None, trusted=["10.0.0.0/8"]) is None
    assert source("198.51.100.4", peer=("", 0), trusted=["unix"]) == "198.51.100.4"


def test_long_headers_are_judged_but_not_cached():
    policy = AddressPolicy(["10.0.0.0/8"])
    policy.find(PROXY, "198.51.100.4," * 30)
    assert policy._cached.cache_info().currsize == 0
    policy.find(PROXY, "198.51.100.4")
    assert policy._cached.cache_info().currsize == 1


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "everyone", "10.0.0.1/8"])
def test_unsafe_trust_is_refused_at_the_start(network):
    with pytest.raises(PolicyError) as caught:
        AddressPolicy([network])
    assert caught.value.code == "trusted-proxies"
