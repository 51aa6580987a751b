"""Properties of the wire."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditroll.errors import ProducerError
from auditroll.wire import decode_body, encode_batch

EPOCHS = st.text("0123456789abcdef", min_size=32, max_size=32)
LINES = st.lists(
    st.binary(max_size=60).filter(lambda line: b"\n" not in line), min_size=1, max_size=20
)


@given(LINES, EPOCHS, st.integers(0, 2**53 - 21), st.sampled_from(["identity", "gzip", "zstd"]))
def test_every_batch_comes_back(lines: list[bytes], epoch: str, first: int, encoding: str) -> None:
    batch = decode_body(*encode_batch(lines, epoch, first, encoding=encoding))
    assert batch.octets.split(b"\n")[:-1] == lines
    assert (batch.epoch, batch.first_seq, batch.count) == (epoch, first, len(lines))


@given(
    LINES,
    st.sampled_from(["identity", "gzip", "zstd"]),
    st.integers(0, 10_000),
    st.integers(1, 255),
)
def test_no_changed_body_is_taken_for_another(
    lines: list[bytes], encoding: str, place: int, change: int
) -> None:
    headers, body = encode_batch(lines, "0" * 32, 0, encoding=encoding)
    changed = bytearray(body)
    changed[place % len(body)] ^= change
    # An octet of the compression may mean nothing; then the lines are the same.
    with contextlib.suppress(ProducerError):
        assert decode_body(headers, bytes(changed)).octets.split(b"\n")[:-1] == lines


@given(st.binary(max_size=200), st.sampled_from(["gzip", "zstd"]))
def test_garbage_is_refused_and_never_crashes(body: bytes, encoding: str) -> None:
    headers, _ = encode_batch([b"{}"], "0" * 32, 0, encoding=encoding)
    with pytest.raises(ProducerError):
        decode_body(headers, body)


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=8))
def test_any_headers_are_refused_with_a_reason(headers: dict[str, str]) -> None:
    with pytest.raises(ProducerError) as refused:
        decode_body(headers, b"{}\n")
    assert refused.value.status in {400, 413, 415}
