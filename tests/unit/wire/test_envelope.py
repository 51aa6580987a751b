"""Envelopes: only the vault opens them, only under the names they were sealed for."""

import base64
import dataclasses

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from auditroll.errors import PolicyError, ProducerError
from auditroll.event import Envelope
from auditroll.wire import (
    LookupKey,
    ProducerCredential,
    binding,
    file_epoch,
    lookup_of,
    open_identity,
    seal_identity,
)
from tests.unit.recorder.support import CREDENTIAL

PRIVATE = X25519PrivateKey.generate()
KEY = bytes(range(32))


def sealed(identity: str, namespace: str = "user", tenant: str = "clinic") -> Envelope:
    public = PRIVATE.public_key().public_bytes_raw()
    return seal_identity(public, "e1", LookupKey(KEY), tenant, namespace, identity)


def opened(envelope: Envelope, tenant: str = "clinic", namespace: str = "user") -> str:
    return open_identity(PRIVATE.private_bytes_raw(), envelope, tenant, namespace)


@pytest.mark.parametrize("identity", ["", "dr.jörg", "x" * 512, "\0\n", "👩‍⚕️", "é"])
def test_an_identity_comes_back_as_it_was(identity: str) -> None:
    envelope = sealed(identity)
    assert opened(envelope) == identity
    assert envelope.l == lookup_of(KEY, "clinic", "user", identity)
    assert envelope.t is msgspec.UNSET


def test_two_envelopes_of_one_identity_share_only_the_lookup() -> None:
    one, two = sealed("jane"), sealed("jane")
    assert one.l == two.l
    assert one.c != two.c


def test_lookups_differ_by_everything() -> None:
    places = [("clinic", "user", "a"), ("clinic", "ip", "a"), ("lab", "user", "a"),
              ("clinic", "user", "b"), ("clinic", "user", "a\0")]  # fmt: skip
    assert len({lookup_of(KEY, *place) for place in places}) == len(places)
    assert lookup_of(KEY, *places[0]) != lookup_of(KEY[::-1], *places[0])


@pytest.mark.parametrize("size", [0, 1, 32, 64, 65, 200])
def test_the_quick_lookup_is_the_plain_one(size: int) -> None:
    key = bytes(size)
    assert LookupKey(key).lookup("t", "user", "x") == lookup_of(key, "t", "user", "x")


def test_a_type_stands_beside_a_personal_resource() -> None:
    public = PRIVATE.public_key().public_bytes_raw()
    envelope = seal_identity(
        public, "e1", LookupKey(KEY), "clinic", "entity", "patient:1", resource_type="patient"
    )
    assert envelope.t == "patient"
    assert opened(envelope, namespace="entity") == "patient:1"


def test_nothing_about_an_envelope_can_be_exchanged() -> None:
    envelope = sealed("jane")
    raw = bytearray(base64.b64decode(envelope.c))
    raw[-1] ^= 1
    wrong = [
        (envelope, "lab", "user"),
        (envelope, "clinic", "ip"),
        (msgspec.structs.replace(envelope, e="e2"), "clinic", "user"),
        (msgspec.structs.replace(envelope, c=base64.b64encode(raw).decode()), "clinic", "user"),
        (msgspec.structs.replace(envelope, c=envelope.c[:-4]), "clinic", "user"),
        (msgspec.structs.replace(envelope, c="AAAA"), "clinic", "user"),
        (msgspec.structs.replace(envelope, c=""), "clinic", "user"),
        (msgspec.structs.replace(envelope, c="not base64!"), "clinic", "user"),
        (msgspec.structs.replace(envelope, c="é"), "clinic", "user"),
    ]
    for one, tenant, namespace in wrong:
        with pytest.raises(ProducerError) as refused:
            opened(one, tenant, namespace)
        assert refused.value.code == "identity"


def test_the_vault_recomputes_the_lookup() -> None:
    """What a hostile producer seals under another's look-up is found by whoever opens it."""
    envelope = msgspec.structs.replace(sealed("mallory"), l=sealed("jane").l)
    assert lookup_of(KEY, "clinic", "user", opened(envelope)) != envelope.l


def test_no_envelope_holds_a_long_or_broken_identity() -> None:
    for identity in ("x" * 513, "ö" * 257, "\ud800"):
        with pytest.raises(ProducerError) as refused:
            sealed(identity)
        assert refused.value.code == "identity"


def test_a_longer_identity_of_another_maker_is_refused() -> None:
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    info = b"auditroll/vault/1\0clinic\0user\0e1"
    for text in (b"x" * 513, b"\xff\xfe"):
        octets = suite.encrypt(text, PRIVATE.public_key(), info=info)
        envelope = Envelope(c=base64.b64encode(octets).decode(), e="e1", l="0" * 64)
        with pytest.raises(ProducerError) as refused:
            opened(envelope)
        assert refused.value.code == "identity"


def test_a_binding_ties_all_its_parts() -> None:
    base = (b"s" * 32, "p_" + "0" * 32, "user", "jane")
    others = [(b"t" * 32, *base[1:]), (base[0], "p_" + "1" * 32, *base[2:]),
              (*base[:2], "ip", "jane"), (*base[:3], "joe")]  # fmt: skip
    assert len({binding(*one) for one in (base, *others)}) == 5


def test_file_epochs_differ_by_everything() -> None:
    found = {
        file_epoch(source, ordinal, line)
        for source in ("a", "b")
        for ordinal in (0, 1, 10)
        for line in (b"x\n", b"y\n", b"x")
    }
    assert len(found) == 18
    assert all(len(epoch) == 32 for epoch in found)


def test_a_credential_comes_back_and_tells_nothing_in_its_name() -> None:
    assert ProducerCredential.decode(CREDENTIAL.encode()) == CREDENTIAL
    assert CREDENTIAL.key not in CREDENTIAL.fingerprint()
    assert len(CREDENTIAL.fingerprint()) == 12


@pytest.mark.parametrize(
    "octets", [b"", b"{}", b"[]", CREDENTIAL.encode().replace(b"producer/1", b"producer/2")]
)
def test_what_is_no_credential(octets: bytes) -> None:
    with pytest.raises(PolicyError) as refused:
        ProducerCredential.decode(octets)
    assert refused.value.code == "bad-credential"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://audit.example", ("audit.example", 443, "", True)),
        ("https://audit.example:8443/base/", ("audit.example", 8443, "/base", True)),
        ("http://127.0.0.1:8000", ("127.0.0.1", 8000, "", False)),
        ("http://[::1]:8000", ("::1", 8000, "", False)),
        ("http://localhost", ("localhost", 80, "", False)),
    ],
)
def test_addresses(url: str, address: tuple[str, int, str, bool]) -> None:
    assert msgspec.structs.replace(CREDENTIAL, collector_url=url).address() == address


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://audit.example", "insecure-collector"),
        ("http://10.0.0.1", "insecure-collector"),
        ("http://127.0.0.1.evil.example", "insecure-collector"),
        ("ftp://audit.example", "bad-credential"),
        ("audit.example", "bad-credential"),
        ("https://", "bad-credential"),
        ("https://audit.example:x", "bad-credential"),
        ("https://[", "bad-credential"),
    ],
)
def test_no_address_or_an_unsafe_one(url: str, code: str) -> None:
    with pytest.raises(PolicyError) as refused:
        msgspec.structs.replace(CREDENTIAL, collector_url=url).address()
    assert refused.value.code == code
    assert not dataclasses.is_dataclass(CREDENTIAL)
