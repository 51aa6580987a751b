"""Canonical JSON for any value: one form, the same as RFC 8785's, read back as it was."""

from contextlib import suppress
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from auditroll.event.canonical import Refused, decode, decode_exact, encode
from tests.property.event_strategies import keys, objects, texts, values

CODES = {
    code: f"refused as {code}"
    for code in (
        *("utf8", "bom", "syntax", "duplicate", "float", "negzero", "range"),
        *("null", "surrogate", "key", "depth", "toplevel", "size"),
    )
}


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


shallow = objects.filter(lambda value: _depth(value) <= 8)


@given(shallow)
def test_the_octets_are_those_of_rfc8785(value: dict[str, Any]) -> None:
    assert encode(value) == rfc8785.dumps(value)


@given(shallow)
def test_orjson_with_sorted_keys_gives_the_same_octets(value: dict[str, Any]) -> None:
    assert encode(value) == orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@given(shallow)
def test_what_was_written_is_read_back(value: dict[str, Any]) -> None:
    octets = encode(value)
    assert decode(octets) == decode_exact(octets) == value


@given(shallow, st.randoms(use_true_random=False))
def test_order_of_keys_and_white_space_do_not_matter(value: dict[str, Any], random: Any) -> None:
    members = list(value.items())
    random.shuffle(members)
    text = orjson.dumps(dict(members), option=orjson.OPT_INDENT_2)
    assert encode(decode(text)) == encode(value)


def read(octets: bytes) -> dict[str, Any] | str:
    """Return the value, or the code of the refusal, which must be a documented one."""
    try:
        return decode(octets)
    except Refused as refused:
        return CODES[refused.code]


@given(st.binary(max_size=80))
def test_any_octets_are_read_exactly_or_refused_with_a_code(octets: bytes) -> None:
    value = read(octets)
    if isinstance(value, dict):
        assert decode_exact(encode(value)) == value


@given(
    st.text(st.sampled_from('{}[]:,"\\ 0123456789.-+eEabtrufnl\ud800\u00e9\n'), max_size=40).map(
        lambda text: text.encode("utf-8", "surrogatepass")
    )
)
def test_nearly_json_is_read_exactly_or_refused_with_a_code(octets: bytes) -> None:
    value = read(octets)
    if isinstance(value, dict):
        assert decode_exact(encode(value)) == value


@given(shallow, st.data())
def test_a_changed_octet_is_noticed(value: dict[str, Any], data: st.DataObject) -> None:
    octets = bytearray(encode(value))
    place = data.draw(st.integers(0, len(octets) - 1))
    octets[place] ^= data.draw(st.integers(1, 255))
    with suppress(Refused):
        assert decode_exact(bytes(octets)) != value


@given(keys, values.filter(lambda value: _depth(value) < 7))
def test_a_key_twice_is_refused_however_it_is_written(key: str, value: Any) -> None:
    escaped = f"\\u{ord(key[0]):04x}{key[1:]}".encode()
    octets = b'{"a":{"' + key.encode() + b'":1,"' + escaped + b'":' + encode(value) + b"}}"
    with pytest.raises(Refused, match="duplicate"):
        decode(octets)


@given(st.floats(allow_nan=False, allow_infinity=False), keys)
def test_no_float_passes_also_a_whole_one(number: float, key: str) -> None:
    with pytest.raises(Refused, match="float"):
        decode(b'{"' + key.encode() + b'":' + repr(number).encode() + b"}")
    with pytest.raises(Refused, match="float"):
        encode({key: number})


@given(st.integers(min_value=2**53) | st.integers(max_value=-(2**53)))
def test_no_integer_passes_that_another_reader_would_round(number: int) -> None:
    with pytest.raises(Refused, match="range"):
        decode(b'{"a":%d}' % number)
    with pytest.raises(Refused, match="range"):
        encode({"a": number})


@given(texts)
def test_text_is_never_normalised(text: str) -> None:
    assert decode(encode({"a": text}))["a"] == text
