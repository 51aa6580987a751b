"""Canonical JSON: what is written, and what is refused with which code."""

import enum
from typing import Any

import pytest

from auditroll.event import canonical
from auditroll.event.canonical import (
    MAX_INTEGER,
    MAX_LEAF_OCTETS,
    MAX_LINE_OCTETS,
    Refused,
    decode,
    decode_exact,
    encode,
)


def code_of(octets: bytes, **limits: int) -> str:
    with pytest.raises(Refused) as refused:
        decode(octets, **limits)
    return refused.value.code


def test_the_fast_path_and_the_slow_path_give_the_same_value() -> None:
    octets = b'{"a":[1,true,"x"],"b":{"c":-5}}'
    assert decode(octets) == decode(octets.replace(b",", b" , ")) == decode_exact(octets)


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"", "syntax"),
        (b" ", "syntax"),
        (b'{"a":1}{}', "syntax"),
        (b'{"a":1} x', "syntax"),
        (b'{"a":Infinity}', "syntax"),
        (b'{"a":-Infinity}', "syntax"),
        (b'{"a":+1}', "syntax"),
        (b'{"a":.5}', "syntax"),
        (b'{"a":-}', "syntax"),
        (b'{"a":0x10}', "syntax"),
        (b"{'a':1}", "syntax"),
        (b'{"a":"\n"}', "syntax"),
        (b'{"a":"\\x41"}', "syntax"),
        (b'{"a":1}\x00', "syntax"),
        (b'\xc2\xa0{"a":1}', "syntax"),
        ('{"a":\u0661}'.encode(), "syntax"),
        (b'\xff\xfe{\x00"\x00', "utf8"),
        (b'{"a":"\xc0\x80"}', "utf8"),
        (b'{"a":"\xf4\x90\x80\x80"}', "utf8"),
        (b'{"a":1,"a":1}', "duplicate"),
        (b'{"x":{"a":1,"b":2,"\\u0061":3}}', "duplicate"),
        (b'{"a":-0.0}', "float"),
        (b'{"a":1.5}', "float"),
        (b'{"a":1E3}', "float"),
        (b'{"a":1e400}', "float"),
        (b'{"a":[-0]}', "negzero"),
        (b'{"a":123456789012345678901234567890}', "range"),
        (b'{"a":' + b"9" * 60_000 + b"}", "range"),
        (b'{"a":[null]}', "null"),
        (b'{"a":"\\udc00\\ud800"}', "surrogate"),
        (b'{"a":"\\ud83dx"}', "surrogate"),
        (b'{"\\ud800":1}', "key"),
        (b'{"a b":1}', "key"),
        (b'{"a\\n":1}', "key"),
        (b'{"' + b"a" * 65 + b'":1}', "key"),
        (b'"a"', "toplevel"),
        (b"5", "toplevel"),
        (b"[" * 60_000, "depth"),
        (b'{"a":' + b"[" * 8 + b"]" * 8 + b"}", "depth"),
        (b'{"a":' * 9 + b"1" + b"}" * 9, "depth"),
    ],
)
def test_refused_with_its_code(octets: bytes, code: str) -> None:
    assert code_of(octets) == code


@pytest.mark.parametrize(
    "octets",
    [
        b'{"' + b"a" * 64 + b'":1}',
        b'{"a":' * 8 + b"1" + b"}" * 8,
        b'{"A-z_0.9:":"\\ud83d\\ude00"}',
        b' \t\r\n{"a":0}\n',
        b"{}",
    ],
)
def test_taken_at_the_limit(octets: bytes) -> None:
    assert decode_exact(encode(decode(octets))) == decode(octets)


def test_sizes_are_counted_in_octets_of_the_input() -> None:
    fixed = len(b'{"a":""}')
    line = b'{"a":"' + b"x" * (MAX_LINE_OCTETS - fixed) + b'"}'
    assert len(line) == MAX_LINE_OCTETS
    assert decode(line)
    assert code_of(line + b" ") == "size"
    leaf = b'{"a":"' + b"x" * (MAX_LEAF_OCTETS - fixed) + b'"}'
    assert decode_exact(leaf)
    with pytest.raises(Refused, match="size"):
        decode_exact(leaf.replace(b"xx", b"xxx", 1))
    assert code_of(b'{"a":1}', limit=6) == "size"


class _Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"a": None}, "null"),
        ({"a": 1.0}, "float"),
        ({"a": MAX_INTEGER + 1}, "range"),
        ({"a": -MAX_INTEGER - 1}, "range"),
        ({"a": b"x"}, "syntax"),
        ({"a": _Colour.RED}, "syntax"),
        ({1: 1}, "key"),
        ({"é": 1}, "key"),
        ({"a": "\ud800"}, "surrogate"),
        ("\udfff", "surrogate"),
        ([[[[[[[[[]]]]]]]]], "depth"),
    ],
)
def test_a_value_without_canonical_form_is_not_written(value: Any, code: str) -> None:
    with pytest.raises(Refused) as refused:
        encode(value)
    assert refused.value.code == code


def test_tuples_are_arrays_and_any_value_can_be_written() -> None:
    assert encode((1, "a", True)) == b'[1,"a",true]'
    assert encode("\u2028/\x7f") == '"\u2028/\x7f"'.encode()


def test_a_refusal_is_the_producers_fault_and_shows_no_content() -> None:
    with pytest.raises(Refused) as refused:
        decode(b'{"a":"jane@example.com",}')
    assert refused.value.status == 400
    assert "jane" not in refused.value.diagnostics()


def test_remembered_keys_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical, "_good_keys", set())
    monkeypatch.setattr(canonical, "_MAX_GOOD_KEYS", 2)
    assert encode({"a": 1, "b": 2, "c": 3}) == b'{"a":1,"b":2,"c":3}'
    assert canonical._good_keys == {"a", "b"}
