"""One batch on the wire: headers, body, answer (format reference, section 11)."""

import gzip
import re
import zlib
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

import msgspec
import zstandard
from msgspec import UNSET, Struct, UnsetType

from auditroll.errors import CollectorError, ProducerError

__all__ = [
    "CONTENT_TYPE",
    "MAX_BODY_OCTETS",
    "MAX_DECODED_OCTETS",
    "MAX_LINES",
    "Answer",
    "Batch",
    "LineResult",
    "decode_answer",
    "decode_body",
    "encode_batch",
]

MAX_LINES: Final = 5_000
MAX_BODY_OCTETS: Final = 5 * 2**20
MAX_DECODED_OCTETS: Final = 64 * 2**20

CONTENT_TYPE: Final = "application/x-ndjson"
FORMAT: Final = "1"
EPOCH: Final = "Auditroll-Epoch"
FIRST_SEQ: Final = "Auditroll-First-Seq"
COUNT: Final = "Auditroll-Count"
SHA256: Final = "Auditroll-SHA256"
PREFIX_SHA256: Final = "Auditroll-Prefix-SHA256"
FORMAT_HEADER: Final = "Auditroll-Format"

_ID16 = re.compile("[0-9a-f]{32}")
_H32 = re.compile("[0-9a-f]{64}")
_NUMBER = re.compile("0|[1-9][0-9]{0,15}")
MAX_SEQ: Final = 2**53 - 1


class Batch(Struct, frozen=True):
    """A decoded batch.

    Args:
        epoch: The `producer_epoch` of every line.
        first_seq: Number of the first line.
        count: Number of lines, 1 to 5,000.
        octets: The lines, each with its LF.
        prefix_sha256: Of a file up to the last line; None in process epochs.
    """

    epoch: str
    first_seq: int
    count: int
    octets: bytes
    prefix_sha256: str | None = None


class LineResult(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """What became of one line that was not accepted.

    Args:
        code: Why it was quarantined.
        result: `duplicate` or `quarantined`.
        seq: The line's number.
    """

    code: str | UnsetType = UNSET
    result: str
    seq: int


class Answer(Struct, frozen=True, kw_only=True):
    """The acknowledgement of a batch; fields in sorted order, so that it encodes canonically.

    Args:
        accepted: Lines recorded.
        archived_through: As far as the producer may forget; -1 none.
        duplicates: Lines received before.
        durable_through: Highest number with no hole below; -1 none.
        quarantined: Lines refused for good.
        results: Every line that was not accepted.
        root_checkpoint: Newest signed root checkpoint.
    """

    accepted: int
    archived_through: int
    duplicates: int
    durable_through: int
    quarantined: int
    results: list[LineResult]
    root_checkpoint: str

    def encode(self) -> bytes:
        """Return canonical JSON."""
        return msgspec.json.encode(self)


_ANSWER: Final = msgspec.json.Decoder(Answer)


def encode_batch(
    lines: Sequence[bytes],
    epoch: str,
    first_seq: int,
    *,
    prefix_sha256: str | None = None,
    encoding: str = "zstd",
) -> tuple[dict[str, str], bytes]:
    """Return headers and body of a batch.

    Args:
        lines: 1 to 5,000 JSON texts without line ends.
        epoch: The `producer_epoch`.
        first_seq: Number of the first line.
        prefix_sha256: Of a file up to the last line.
        encoding: `identity`, `gzip` or `zstd`.

    Raises:
        ValueError: No line, or an encoding that the format does not know.
    """
    if not lines:
        raise ValueError("a batch has a line")
    octets = b"\n".join(lines) + b"\n"
    headers = {
        "Content-Type": CONTENT_TYPE,
        FORMAT_HEADER: FORMAT,
        EPOCH: epoch,
        FIRST_SEQ: str(first_seq),
        COUNT: str(len(lines)),
        SHA256: sha256(octets).hexdigest(),
    }
    if prefix_sha256 is not None:
        headers[PREFIX_SHA256] = prefix_sha256
    if encoding == "identity":
        return headers, octets
    if encoding == "zstd":
        body = zstandard.ZstdCompressor(level=1).compress(octets)
    elif encoding == "gzip":
        body = gzip.compress(octets, 1, mtime=0)
    else:
        raise ValueError(f"no such encoding: {encoding}")
    return headers | {"Content-Encoding": encoding}, body


def decode_body(headers: Mapping[str, str], body: bytes) -> Batch:
    """Return the batch that a request carries.

    Args:
        headers: Names in any case.
        body: As sent.

    Raises:
        ProducerError: 400 `bad-header`, `bad-hash`, `bad-count`; 413 `batch-too-large`; 415
            `bad-media-type` or `bad-encoding`.
    """
    found = {name.lower(): value for name, value in headers.items()}
    _check_media(found)
    epoch = _matched(found, EPOCH, _ID16)
    first = int(_matched(found, FIRST_SEQ, _NUMBER))
    count = int(_matched(found, COUNT, _NUMBER))
    digest = _matched(found, SHA256, _H32)
    prefix = _matched(found, PREFIX_SHA256, _H32) if PREFIX_SHA256.lower() in found else None
    if count == 0 or first + count - 1 > MAX_SEQ:
        raise ProducerError("bad-header", "the batch's numbers are out of range")
    if count > MAX_LINES or len(body) > MAX_BODY_OCTETS:
        raise _too_large()
    octets = _decompressed(found.get("content-encoding", "identity").strip().lower(), body)
    if sha256(octets).hexdigest() != digest:
        raise ProducerError("bad-hash", f"the body does not have the hash in {SHA256}")
    if octets.count(b"\n") != count or not octets.endswith(b"\n"):
        raise ProducerError("bad-count", f"the body does not have the lines that {COUNT} says")
    return Batch(epoch, first, count, octets, prefix)


def decode_answer(octets: bytes) -> Answer:
    """Return the acknowledgement that a collector sent.

    Raises:
        CollectorError: `bad-answer`: it is none; nothing counts as acknowledged.
    """
    try:
        return _ANSWER.decode(octets)
    except msgspec.DecodeError:
        raise CollectorError("bad-answer", "the collector's answer has another form") from None


def _check_media(found: Mapping[str, str]) -> None:
    media = found.get("content-type", "").partition(";")[0].strip().lower()
    if media != CONTENT_TYPE:
        raise ProducerError("bad-media-type", f"a batch is {CONTENT_TYPE}", status=415)
    if found.get(FORMAT_HEADER.lower(), "").strip() != FORMAT:
        raise ProducerError("bad-header", f"{FORMAT_HEADER} must be {FORMAT}")


def _matched(found: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str:
    value = found.get(name.lower(), "").strip()
    if pattern.fullmatch(value) is None:
        raise ProducerError("bad-header", f"the header {name} is missing or malformed")
    return value


def _too_large() -> ProducerError:
    return ProducerError(
        "batch-too-large",
        "the batch is larger than a collector accepts",
        hint=f"At most {MAX_LINES} lines, {MAX_BODY_OCTETS} octets as sent, "
        f"{MAX_DECODED_OCTETS} decoded.",
        status=413,
    )


def _decompressed(encoding: str, body: bytes) -> bytes:
    """Inflate at most what a batch may hold; the bound is kept while inflating."""
    if encoding in {"identity", ""}:
        return body
    if encoding == "gzip":
        return _gunzipped(body)
    if encoding != "zstd":
        raise ProducerError("bad-encoding", "a batch is identity, gzip or zstd", status=415)
    try:
        with zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=False) as reader:
            octets = reader.read(MAX_DECODED_OCTETS + 1)
    except zstandard.ZstdError:
        raise ProducerError("bad-hash", "the body is not zstd") from None
    if len(octets) > MAX_DECODED_OCTETS:
        raise _too_large()
    return octets


def _gunzipped(body: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=31)
    try:
        octets = inflater.decompress(body, MAX_DECODED_OCTETS + 1)
    except zlib.error:
        raise ProducerError("bad-hash", "the body is not gzip") from None
    if len(octets) > MAX_DECODED_OCTETS:
        raise _too_large()
    if not inflater.eof or inflater.unused_data:
        raise ProducerError("bad-hash", "the gzip body is cut or followed by something")
    return octets
