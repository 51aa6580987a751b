"""Redaction: what is found, what is left alone, what it costs.

Labelled sentences are presidio-research's; evasions and opaque ids are generated here from a seed.
The peer in the same run is Python's own `re` with the same patterns, one after another.
"""

import argparse
import base64
import json
import random
import re
import statistics
import time
import urllib.parse
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from auditroll.redact import DETECTORS, UNSCANNED, redact_value, scan_batch
from auditroll.redact.digits import luhn
from benchmarks.report import Section

CORPUS: Final = (
    Path(__file__).resolve().parents[2] / "shared" / "corpora" / "pii" / "generated_large.json"
)
SEED: Final = 20_260_812
# presidio-research's name, and ours.
ENTITIES: Final = {
    "CREDIT_CARD": "CARD",
    "DOMAIN_NAME": "URL",
    "EMAIL_ADDRESS": "EMAIL",
    "IBAN_CODE": "IBAN",
    "IP_ADDRESS": "IP",
    "PHONE_NUMBER": "PHONE",
    "US_DRIVER_LICENSE": "LICENSE",
    "US_SSN": "SSN",
}
_MARKER: Final = re.compile(r"\[REDACTED:([A-Z0-9_]+)\]")
WORDS: Final = (
    *("the", "upload", "for", "record", "failed", "because", "remote", "host", "closed", "after"),
    *("while", "reading", "header", "line", "of", "chunk", "order", "invoice", "payment", "status"),
    *("retry", "queue", "worker", "started", "finished", "with", "code", "connection"),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.redact")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    count = 400 if arguments.quick else 4_000
    if CORPUS.exists():
        _labelled()
    _evasions(4 if arguments.quick else 40)
    _opaque(100 if arguments.quick else 1_000)
    _speed(count)
    _hostile()
    return 0


def _labelled() -> None:
    section = Section(
        "Detection on labelled sentences",
        "presidio-research `generated_large.json`, 2,109 sentences. A label is found if half of it"
        " is replaced by a marker of its kind; a marker is right if it stands on such a label."
        " Presidio 2.2.366, pattern recognisers only, as measured by others on the same file."
        " The words that tell a telephone number were chosen with this file in view, so its figures"
        " are no held-out score.",
    )
    rows = json.loads(CORPUS.read_text(encoding="utf-8"))
    labels: Counter[str] = Counter()
    found: Counter[str] = Counter()
    made: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for row in rows:
        spans = _spans(row["full_text"])
        known = [
            (ENTITIES[span["entity_type"]], span["start_position"], span["end_position"])
            for span in row["spans"]
            if span["entity_type"] in ENTITIES
        ]
        for kind, start, end in known:
            labels[kind] += 1
            found[kind] += any(
                other == kind and 2 * (min(end, last) - max(start, first)) >= end - start
                for other, first, last in spans
            )
        for kind, first, last in spans:
            made[kind] += 1
            right[kind] += any(
                other == kind and start < last and first < end for other, start, end in known
            )
    presidio = {"CARD": "1.00 / 1.00", "EMAIL": "1.00 / 1.00", "IBAN": "1.00 / 1.00"} | {
        "IP": "1.00 / 1.00",
        "LICENSE": "1.00 / 0.87",
        "PHONE": "0.61 / 0.74",
        "SSN": "1.00 / 0.98",
        "URL": "1.00 / 1.00",
    }
    section.head("kind", "labels", "recall", "precision", "Presidio, recall / precision")
    for kind in sorted(labels):
        recall, precision = found[kind] / labels[kind], right[kind] / max(1, made[kind])
        section.row(kind, labels[kind], f"{recall:.3f}", f"{precision:.3f}", presidio[kind])


def _spans(text: str) -> list[tuple[str, int, int]]:
    """Return kind and range of what was replaced, found back from the markers."""
    redacted = redact_value(text).text
    kinds = _MARKER.findall(redacted)
    pattern = "(.+?)".join(map(re.escape, _MARKER.sub("\0", redacted).split("\0")))
    match = re.fullmatch(pattern, text, re.DOTALL)
    if match is None:
        return []
    return [(kind, *match.span(group)) for group, kind in enumerate(kinds, 1)]


def _evasions(count: int) -> None:
    draw = random.Random(SEED)
    section = Section(
        "Encoded values",
        f"{count} values of each of {len(_values(draw))} kinds in a sentence, each written in"
        f" {len(_encodings())} ways and in 30 drawn compositions of two. Found: the encoded text"
        " is gone and a marker stands there; `UNSCANNED` does not count as found.",
    )
    encodings = _encodings()
    pairs = [draw.sample(sorted(encodings), 2) for _ in range(30)]
    ways = {name: [name] for name in encodings} | {" > ".join(pair): pair for pair in pairs}
    missed: Counter[str] = Counter()
    total = 0
    for way, names in ways.items():
        for make in _values(draw).values():
            for _ in range(count):
                value = make()
                for name in names:
                    value = encodings[name](value)
                redacted = redact_value(f"user record {value} updated")
                total += 1
                if value in redacted.text or not redacted.counts or UNSCANNED in redacted.counts:
                    missed[way] += 1
    section.head("ways", "values", "recall")
    section.row(len(ways), f"{total:,}", f"{1 - missed.total() / total:.4f}")
    for way, number in missed.most_common(8):
        section.text(f"missed {number} of `{way}`")


def _values(draw: random.Random) -> dict[str, Callable[[], str]]:
    def card() -> str:
        while True:
            number = draw.choice(("4", "51", "6011")) + str(draw.randrange(10**15))
            if luhn(number[:16].ljust(16, "0")):
                return number[:16].ljust(16, "0")

    def token(length: int) -> str:
        return base64.urlsafe_b64encode(draw.randbytes(length)).decode().rstrip("=")

    return {
        "email": lambda: f"{draw.choice(WORDS)}.{draw.randrange(99)}@mail.example.org",
        "card": card,
        "ssn": lambda: (
            f"{draw.randint(100, 665)}-{draw.randint(1, 99):02}-{draw.randint(1, 9999):04}"
        ),
        "ipv4": lambda: ".".join(str(draw.randint(1, 254)) for _ in range(4)),
        "ipv6": lambda: ":".join(f"{draw.randint(1, 65535):x}" for _ in range(8)),
        "iban": lambda: draw.choice(("GB82WEST12345698765432", "DE89370400440532013000")),
        "phone": lambda: (
            f"+1-{draw.randint(201, 989)}-{draw.randint(200, 999)}-{draw.randint(0, 9999):04}"
        ),
        "mac": lambda: ":".join(f"{draw.randrange(256):02x}" for _ in range(6)),
        "jwt": lambda: f"eyJhbGciOiJIUzI1NiJ9.{token(12)}.{token(12)}",
        "url": lambda: f"postgres://u{draw.randrange(99)}:pw{draw.randrange(99)}@db.example.com/x",
    }


def _encodings() -> dict[str, Callable[[str], str]]:
    def each(form: Callable[[str], str]) -> Callable[[str], str]:
        return lambda text: "".join(map(form, text))

    return {
        "plain": str,
        "percent": each(lambda one: f"%{ord(one):02x}" if one < "\x80" else one),
        "quoted": lambda text: urllib.parse.quote(text, safe=""),
        "percent u": each(lambda one: f"%u{ord(one):04x}"),
        "\\u": each(lambda one: f"\\u{ord(one):04x}"),
        "\\x": each(lambda one: f"\\x{ord(one):02x}" if one < "\x80" else one),
        "octal": each(lambda one: f"\\{ord(one):03o}" if one < "\x80" else one),
        "decimal entity": each(lambda one: f"&#{ord(one)};"),
        "hexadecimal entity": each(lambda one: f"&#x{ord(one):x};"),
        "full width": each(lambda one: chr(0xFEE0 + ord(one)) if "!" <= one <= "~" else one),
        "zero width": "\u200b".join,
        "soft hyphen": "\u00ad".join,
        "combining": each(lambda one: one + "\u0301"),
        "quoted printable": lambda text: "".join(f"={octet:02X}" for octet in text.encode()),
        "base64": lambda text: base64.b64encode(text.encode()).decode(),
        "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
        "base32": lambda text: base64.b32encode(text.encode()).decode(),
        "hexadecimal": lambda text: text.encode().hex(),
        "in json, base64": lambda text: base64.b64encode(f'{{"k":"{text}"}}'.encode()).decode(),
        "utf-16, base64": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
    }


def _opaque(count: int) -> None:
    draw = random.Random(SEED)
    kinds: dict[str, Callable[[], str]] = {
        "uuid": lambda: str(uuid.UUID(int=draw.getrandbits(128), version=4)),
        "ulid": lambda: "01" + "".join(draw.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=24)),
        "hexadecimal": lambda: f"{draw.getrandbits(256):064x}"[: draw.choice((32, 40, 64))],
        "epoch s, ms, ns": lambda: str(
            draw.randint(15 * 10**8, 19 * 10**8) * draw.choice((1, 1000, 10**9))
        ),
        "base64 token": lambda: base64.b64encode(
            draw.randbytes(draw.choice((16, 24, 32)))
        ).decode(),
        "version": lambda: f"v{draw.randrange(30)}.{draw.randrange(99)}.{draw.randrange(999)}.1",
        "time": lambda: f"2026-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}T10:05:03.123Z",
        "digits, 9 to 13": lambda: str(draw.randrange(10**8, 10 ** draw.randint(9, 13))),
        "digits, 14 to 19": lambda: str(draw.randrange(10**13, 10 ** draw.randint(14, 19))),
    }
    section = Section(
        "Opaque ids left alone",
        f"{count:,} drawn values of each kind. A random number of 14 to 19 digits can be a valid"
        " card number: nothing but a word near it tells them apart.",
    )
    section.head("kind", "redacted")
    for kind, make in kinds.items():
        hits = sum(bool(redact_value(make()).counts) for _ in range(count))
        section.row(kind, f"{hits} of {count:,} ({hits / count:.2%})")


def _speed(count: int) -> None:
    draw = random.Random(SEED)
    plain = [_sentence(draw) for _ in range(count)]
    patterns = [re.compile(_as_python(detector.pattern)) for detector in DETECTORS]
    hidden = base64.b64encode(b"mail jane.doe@example.com").decode()
    section = Section(
        "Cost of redaction",
        f"Texts of 140 characters, one thread, CPU time, medians of three passes over {count:,};"
        f" {len(DETECTORS)} patterns, all readings, checks and markers.",
    )
    section.head("texts", "microseconds a text", "texts a second")

    def line(name: str, run: Callable[[Sequence[str]], Any], texts: Sequence[str]) -> None:
        cost = statistics.median(_cpu(run, texts) for _ in range(3)) / len(texts)
        section.row(name, f"{cost * 1e6:.1f}", f"{1 / cost:,.0f}")

    line("clean, in batches", scan_batch, plain)
    line("clean, one by one", _each(redact_value), plain)
    line(
        "with an e-mail address",
        _each(redact_value),
        [f"{one[:110]} jane@example.com" for one in plain],
    )
    line(
        "with escapes",
        _each(redact_value),
        [f"{one[:110]} jane%40example.com &amp;" for one in plain],
    )
    line("with base64 text", _each(redact_value), [f"{one[:110]} {hidden}" for one in plain])
    line(
        "the same patterns in Python's re, no readings, no checks",
        _each(lambda text: [pattern.search(text) for pattern in patterns]),
        plain[: count // 10],
    )


def _hostile() -> None:
    section = Section(
        "Hostile texts",
        "4,096 characters, best of five, milliseconds; `UNSCANNED` is an answer, passing is not.",
    )
    shapes = (
        "0",
        "1-1-",
        "a.a.",
        "a@",
        "ab:",
        "1.1.",
        "%25",
        "&#38;",
        "QUJD",
        "GB12",
        "\\u0041",
        "a@b.co ",
        "é",
    )
    section.head("repeated", "ms", "answer")
    for shape in shapes:
        text = (shape * 4_096)[:4_096]
        cost = min(_cpu(redact_value, text) for _ in range(5))
        counts = redact_value(text).counts
        section.row(f"`{shape}`", f"{cost * 1e3:.2f}", ", ".join(counts) or "clean")


def _sentence(draw: random.Random) -> str:
    words = (
        draw.choice(WORDS) if draw.random() < 0.9 else str(draw.randrange(9999)) for _ in range(40)
    )
    return " ".join(words)[:140]


def _as_python(pattern: str) -> str:
    return pattern.replace(r"\pL", r"\w").replace(r"\pN", r"\d")


def _each(call: Callable[[str], Any]) -> Callable[[Iterable[str]], None]:
    def run(texts: Iterable[str]) -> None:
        for text in texts:
            call(text)

    return run


def _cpu(call: Callable[[Any], Any], argument: Any) -> float:
    start = time.process_time()
    call(argument)
    return time.process_time() - start


if __name__ == "__main__":
    raise SystemExit(main())
