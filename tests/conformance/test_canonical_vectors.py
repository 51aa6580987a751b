"""Section 2 of the format against the language-neutral vectors and RFC 8785's own."""

from typing import Any

import msgspec
import pytest

from auditroll.event.canonical import Refused, decode, decode_exact, encode
from tests.support import CORPORA, ROOT, needs_corpora

_VECTORS = msgspec.json.decode((ROOT / "vectors" / "vectors.json").read_bytes())["vectors"]
_RFC8785 = CORPORA / "tlog" / "rfc8785"


def _kind(*kinds: str) -> list[Any]:
    return [pytest.param(one, id=one["name"]) for one in _VECTORS if one["kind"] in kinds]


@pytest.mark.parametrize("vector", _kind("canonical"))
def test_accepted_input_has_one_canonical_form(vector: dict[str, str]) -> None:
    value = decode(bytes.fromhex(vector["input_hex"]))
    octets = encode(value)
    assert octets == vector["output"].encode()
    assert decode_exact(octets) == value


@pytest.mark.parametrize("vector", _kind("refused"))
def test_refused_input_is_refused_with_its_code(vector: dict[str, str]) -> None:
    octets = bytes.fromhex(vector["input_hex"])
    for read in (decode, decode_exact):
        with pytest.raises(Refused) as refused:
            read(octets)
        assert refused.value.code == vector["code"]


@pytest.mark.parametrize("vector", _kind("strict-refused"))
def test_input_in_another_form_is_refused_where_canonical_octets_are_demanded(
    vector: dict[str, str],
) -> None:
    octets = bytes.fromhex(vector["input_hex"])
    with pytest.raises(Refused) as refused:
        decode_exact(octets)
    assert refused.value.code == vector["code"]
    assert decode_exact(encode(decode(octets))) == decode(octets)


# RFC 8785's examples use what this format leaves out; each says which refusal it meets first.
_BEYOND = {
    "arrays": {"toplevel", "null"},
    "french": {"key"},
    "structures": {"key", "float"},
    "values": {"float", "null"},
    "weird": {"key"},
}


@needs_corpora
@pytest.mark.corpora
@pytest.mark.parametrize("name", sorted(_BEYOND))
def test_rfc8785_input_outside_the_subset_is_refused(name: str) -> None:
    with pytest.raises(Refused) as refused:
        decode((_RFC8785 / "input" / f"{name}.json").read_bytes())
    assert refused.value.code in _BEYOND[name]


@needs_corpora
@pytest.mark.corpora
@pytest.mark.parametrize(
    ("name", "path"), [("unicode", ""), ("french", ""), ("weird", ""), ("values", "string")]
)
def test_rfc8785_strings_are_written_alike(name: str, path: str) -> None:
    """Each string of the examples, under a key that the subset takes."""
    given = msgspec.json.decode((_RFC8785 / "input" / f"{name}.json").read_bytes())
    expected = (_RFC8785 / "output" / f"{name}.json").read_bytes()
    for text in [given[path]] if path else given.values():
        octets = encode({"a": text}).removeprefix(b'{"a":').removesuffix(b"}")
        assert octets in expected
