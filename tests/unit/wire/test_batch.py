"""A batch: what arrives is what was sent, and nothing else is taken."""

import gzip
import zlib
from hashlib import sha256
from typing import Any

import msgspec
import pytest
import zstandard

from auditroll.errors import CollectorError, ProducerError
from auditroll.wire import MAX_LINES, Answer, LineResult, decode_answer, decode_body, encode_batch
from auditroll.wire.batch import MAX_BODY_OCTETS, MAX_DECODED_OCTETS

EPOCH = "0123456789abcdef0123456789abcdef"
LINES = [b'{"a":1}', b'{"b":"\xc3\xb6"}', b"{}"]


def headers(octets: bytes, count: int = 3, **more: str) -> dict[str, str]:
    given = {
        "Content-Type": "application/x-ndjson",
        "Auditroll-Format": "1",
        "Auditroll-Epoch": EPOCH,
        "Auditroll-First-Seq": "0",
        "Auditroll-Count": str(count),
        "Auditroll-SHA256": sha256(octets).hexdigest(),
    }
    return given | {name.replace("_", "-"): value for name, value in more.items()}


def refused(given: dict[str, str], body: bytes) -> tuple[int, str]:
    with pytest.raises(ProducerError) as found:
        decode_body(given, body)
    return found.value.status, found.value.code


@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_what_arrives_is_what_was_sent(encoding: str, case: Any) -> None:
    given, body = encode_batch(LINES, EPOCH, 17, prefix_sha256="ab" * 32, encoding=encoding)
    batch = decode_body({case(name): value for name, value in given.items()}, body)
    assert batch.octets == b"".join(line + b"\n" for line in LINES)
    assert (batch.epoch, batch.first_seq, batch.count) == (EPOCH, 17, 3)
    assert batch.prefix_sha256 == "ab" * 32


def test_a_process_epoch_has_no_prefix() -> None:
    assert decode_body(*encode_batch(LINES, EPOCH, 0)).prefix_sha256 is None


def test_nothing_to_send_or_no_such_encoding() -> None:
    with pytest.raises(ValueError, match="a line"):
        encode_batch([], EPOCH, 0)
    with pytest.raises(ValueError, match="br"):
        encode_batch(LINES, EPOCH, 0, encoding="br")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Auditroll-Format", "2"),
        ("Auditroll-Format", ""),
        ("Auditroll-Epoch", EPOCH.upper()),
        ("Auditroll-Epoch", EPOCH + "\n0"),
        ("Auditroll-Epoch", EPOCH[:-1]),
        ("Auditroll-First-Seq", "-1"),
        ("Auditroll-First-Seq", "01"),
        ("Auditroll-First-Seq", "1_0"),
        ("Auditroll-First-Seq", "\u0663"),
        ("Auditroll-First-Seq", str(2**53 - 2)),
        ("Auditroll-First-Seq", "9" * 30),
        ("Auditroll-Count", "0"),
        ("Auditroll-Count", ""),
        ("Auditroll-SHA256", "0" * 63),
        ("Auditroll-Prefix-SHA256", "x"),
    ],
)
def test_headers_are_held_to_their_grammar(name: str, value: str) -> None:
    octets = b"".join(line + b"\n" for line in LINES)
    assert refused(headers(octets) | {name: value}, octets) == (400, "bad-header")


@pytest.mark.parametrize(
    "name",
    ["Auditroll-Format", "Auditroll-Epoch", "Auditroll-First-Seq", "Auditroll-Count",
     "Auditroll-SHA256"],
)  # fmt: skip
def test_headers_are_not_optional(name: str) -> None:
    octets = b"".join(line + b"\n" for line in LINES)
    given = headers(octets)
    del given[name]
    assert refused(given, octets) == (400, "bad-header")


def test_media_and_encoding() -> None:
    octets = b"".join(line + b"\n" for line in LINES)
    given = headers(octets)
    charset = {"Content-Type": "application/x-ndjson; charset=utf-8"}
    assert decode_body(given | charset, octets).count == 3
    assert refused(given | {"Content-Type": "application/json"}, octets)[0] == 415
    assert refused(given | {"Content-Encoding": "br"}, octets) == (415, "bad-encoding")


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_body_that_is_not_what_it_says(encoding: str) -> None:
    octets = b"".join(line + b"\n" for line in LINES)
    _, body = encode_batch(LINES, EPOCH, 0, encoding=encoding)
    given = headers(octets, Content_Encoding=encoding)
    assert decode_body(given, body).octets == octets
    for wrong in (b"", b"nonsense", body[:-3], octets, body[:12] + b"\xff\xff" + body[14:]):
        assert refused(given, wrong) == (400, "bad-hash"), wrong
    if encoding == "gzip":
        assert refused(given, body + body) == (400, "bad-hash")


def test_the_hash_is_of_the_lines() -> None:
    octets = b"".join(line + b"\n" for line in LINES)
    assert refused(headers(octets), octets.replace(b"1", b"2")) == (400, "bad-hash")


@pytest.mark.parametrize(
    ("octets", "count"), [(b"{}\n{}\n", 1), (b"{}\n", 2), (b"{}\n{}", 2), (b"\n", 2)]
)
def test_the_lines_are_counted(octets: bytes, count: int) -> None:
    assert refused(headers(octets, count), octets) == (400, "bad-count")


def test_sizes() -> None:
    octets = b"{}\n" * (MAX_LINES + 1)
    assert refused(headers(octets, MAX_LINES + 1), octets) == (413, "batch-too-large")
    long = b" " * MAX_BODY_OCTETS + b"\n"
    assert refused(headers(long, 1), long) == (413, "batch-too-large")
    assert decode_body(headers(long[1:], 1), long[1:]).count == 1


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_is_not_unpacked(encoding: str) -> None:
    size = 4 * MAX_DECODED_OCTETS
    zeros = bytes(2**20)
    if encoding == "gzip":
        packer = zlib.compressobj(9, wbits=31)
        parts = [packer.compress(zeros) for _ in range(size // len(zeros))]
        body = b"".join(parts) + packer.flush()
    else:
        stream = zstandard.ZstdCompressor(level=1).compressobj(size=size)
        parts = [stream.compress(zeros) for _ in range(size // len(zeros))]
        body = b"".join(parts) + stream.flush()
    assert len(body) < MAX_BODY_OCTETS
    given = headers(b"", 1, Content_Encoding=encoding)
    assert refused(given, body) == (413, "batch-too-large")


def test_an_answer_is_canonical_and_comes_back() -> None:
    answer = Answer(
        accepted=1,
        archived_through=-1,
        duplicates=1,
        durable_through=4,
        quarantined=1,
        results=[
            LineResult(seq=1, result="duplicate"),
            LineResult(seq=2, result="quarantined", code="pii"),
        ],
        root_checkpoint="x\n1\n\n",
    )
    octets = answer.encode()
    assert octets == (
        b'{"accepted":1,"archived_through":-1,"duplicates":1,"durable_through":4,"quarantined":1,'
        b'"results":[{"result":"duplicate","seq":1},'
        b'{"code":"pii","result":"quarantined","seq":2}],"root_checkpoint":"x\\n1\\n\\n"}'
    )
    assert decode_answer(octets) == answer


@pytest.mark.parametrize(
    "octets", [b"", b"null", b"{}", b"<html>", b'{"accepted":true}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_answer_acknowledges_nothing(octets: bytes) -> None:
    with pytest.raises(CollectorError) as refusal:
        decode_answer(octets)
    assert refusal.value.code == "bad-answer"


def test_gzip_is_reproducible() -> None:
    assert encode_batch(LINES, EPOCH, 0, encoding="gzip") == encode_batch(
        LINES, EPOCH, 0, encoding="gzip"
    )
    assert gzip.decompress(encode_batch(LINES, EPOCH, 0, encoding="gzip")[1]).count(b"\n") == 3
    assert msgspec.json.encode({}) == b"{}"
