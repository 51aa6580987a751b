"""Whatever headers say, a record's address fields fit their grammars."""

from hypothesis import given
from hypothesis import strategies as st

from auditroll.capture.address import AddressPolicy
from auditroll.event.grammar import GRAMMARS

POLICY = AddressPolicy(["10.0.0.0/8", "unix"])
FORWARDED = AddressPolicy(["10.0.0.0/8", "unix"], "forwarded")

texts = st.text(max_size=60) | st.lists(
    st.ip_addresses().map(str) | st.text(max_size=12), max_size=5
).map(", ".join)


@given(texts, st.sampled_from([("10.0.0.9", 1), ("198.51.100.4", 1), ("x", 0), None]))
def test_the_fields_always_fit(forwarded, peer):
    for policy in (POLICY, FORWARDED):
        fields = policy.find(peer, forwarded).fields
        assert set(fields) <= {"source_ip", "source_net", "peer_net", "redactions"}
        for name in ("source_net", "peer_net"):
            assert name not in fields or GRAMMARS["NET"](fields[name])
        assert "%" not in fields.get("source_ip", "")


@given(st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=6))
def test_the_source_is_the_rightmost_untrusted_address(addresses):
    fields = POLICY.find(("10.0.0.9", 1), ", ".join(addresses)).fields
    untrusted = [one for one in addresses if not one.startswith("10.")]
    assert fields["source_ip"] == (untrusted[-1] if untrusted else addresses[0])
