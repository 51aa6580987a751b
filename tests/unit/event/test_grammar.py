"""The named grammars of section 3: anchored, ASCII, with exact lengths."""

import pytest

from auditroll.event.grammar import GRAMMARS, PATTERNS
from auditroll.event.values import EVENT_TYPES

UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"

ACCEPTED = {
    "ID16": ["0" * 32, "abcdef0123456789" * 2],
    "H32": ["f" * 64],
    "UUID": [UUID],
    "UUID7": ["019b76da-d2f8-7c18-8dd6-b978e79235e9"],
    "TIME": ["2026-01-01T00:00:00.000Z"],
    "NAME": ["a", "0", "a" * 64, "records-api.v2_x"],
    "CODE": ["a", "a" * 64, "not-found"],
    "MODEL": ["gpt-4o-2024-08-06", "a" * 128, "models/gemini:1+2"],
    "PSEUDO": ["p_" + "0" * 32],
    "USER": ["anonymous", "p_" + "0" * 32],
    "REF": ["patient:1274", "a" * 32 + ":" + "B" * 96, "file:A.b_c-d"],
    "SUBJECT": ["patient:p_" + "0" * 32],
    "TYPE": ["patient", "a" * 32],
    "HASH": ["sha256:" + "0" * 64, "hmac:k-1:" + "0" * 64, "hmac:" + "k" * 32 + ":" + "0" * 64],
    "HMAC": ["hmac:0:" + "0" * 64],
    "SHA256": ["sha256:" + "0" * 64],
    "FIELD": ["a", "prompt_tokens.cached", "a" * 64],
    "RID": ["0" * 32, UUID, "1-5759e988-bd862e3fe1be46a994272793"],
    "MARKER": ["[REDACTED:EMAIL]", "[REDACTED:A_1]"],
    "TENANT": ["clinic", "0", "a" * 63],
    "ROLE": ["Doctor", "role:a.b-c_d", "a" * 64],
    "ROUTE": ["/", "/patients/{id}", "/{unmatched}", "/" + "a" * 255, "/a/*/~b:c"],
    "UPSTREAM": ["a=b+c:d", "-" * 128],
    "PROVIDER_ID": ["req/1", "a" * 128],
    "NET": ["0.0.0.0/24", "192.0.2.0/24", "255.255.255.0/24", "2001:db8::/48", "::/48"],
    "TEXT256": ["", " ", "~", "\xa0", "\ud7ff", "\ue000", "\U0010ffff", "é" * 256],
    "TEXT1024": ["x" * 1024],
    "TRACE": ["0" * 31 + "1"],
    "SPAN": ["1" + "0" * 15],
    "TICKET": ["INC-1", "A" * 16 + "-" + "1" * 12, UUID],
    "COUNTER": ["EMAIL", "_", "A" * 32],
    "REASON": ["stop", "MAX_TOKENS", "a" * 48],
    "INSTALLATION": ["log.example", "a" * 100 + "/" + "b" * 64],
    "EVENT_TYPE": [*EVENT_TYPES, "x.door-opened"],
    "PURPOSE": ["x-teaching"],
    "B64": ["", "QQ==", "QUE=", "QUFB", "+/+/"],
    "HEX": ["0f" * 32, "ab" * 1312],
    "OBJECT": ["streams/" + "0" * 32 + "/segments/" + "0" * 20 + "-0001.parquet"],
    "JOURNAL_FILE": ["0" * 20 + ".arj"],
}

REFUSED = {
    "ID16": ["0" * 31, "0" * 33, "A" * 32, ""],
    "H32": ["f" * 63, "F" * 64],
    "UUID": [UUID.upper(), UUID.replace("-", "")],
    "UUID7": [UUID, "019b76da-d2f8-7c18-0dd6-b978e79235e9"],
    "TIME": ["2026-02-30T00:00:00.000Z", "2026-01-01T00:00:60.000Z"],
    "NAME": ["", "-a", "A", "a" * 65, "a b"],
    "CODE": ["0a", "A", "a" * 65],
    "MODEL": ["", "/a", "a@b", "a" * 129],
    "PSEUDO": ["p_", "p_" + "0" * 31, "P_" + "0" * 32],
    "USER": ["Anonymous", "jane"],
    "REF": ["patient", "patient:", ":1", "Patient:1", "patient:-1", "patient:a b", "p:" + "a" * 97],
    "SUBJECT": ["patient:1274", "p_" + "0" * 32],
    "TYPE": ["", "0a", "a-b", "a" * 33],
    "HASH": ["0" * 64, "md5:" + "0" * 32, "hmac:" + "0" * 64, "hmac:K:" + "0" * 64],
    "HMAC": ["sha256:" + "0" * 64, "hmac:-:" + "0" * 64, "hmac:" + "k" * 33 + ":" + "0" * 64],
    "SHA256": ["hmac:k:" + "0" * 64],
    "FIELD": ["", "_a", "a-b", "a" * 65],
    "RID": ["0" * 31, UUID.upper(), "2-5759e988-bd862e3fe1be46a994272793"],
    "MARKER": ["[REDACTED:]", "[REDACTED:email]", "REDACTED:EMAIL", "[REDACTED:" + "A" * 33 + "]"],
    "TENANT": ["", "-a", "a_b", "a" * 64],
    "ROLE": ["", "1a", "a" * 65, "a b"],
    "ROUTE": ["", "a", "/ä", "/a?b=c", "/a%20b", "/" + "a" * 256],
    "UPSTREAM": ["", "a/b", "a" * 129],
    "PROVIDER_ID": ["", "a b", "a" * 129],
    "NET": [
        "192.0.2.1/24",
        "192.0.2.0/32",
        "256.0.0.0/24",
        "01.0.0.0/24",
        "2001:db8::/32",
        "2001:db8:0::/48",
        "2001:DB8::/48",
        "2001:db8::1/48",
        "::::/48",
    ],
    "TEXT256": ["\n", "\x1f", "\x7f", "\x9f", "\ud800", "x" * 257],
    "TEXT1024": ["x" * 1025, "\t"],
    "TRACE": ["0" * 32, "1" * 31],
    "SPAN": ["0" * 16, "1" * 17],
    "TICKET": ["inc-1", "INC-", "INC-" + "1" * 13, "INC1"],
    "COUNTER": ["", "email", "A" * 33],
    "REASON": ["", "stop1", "a" * 49],
    "INSTALLATION": ["", "A", "a/", "a/b/c", "a" * 101],
    "EVENT_TYPE": ["http_request", "http.Request", "x.", "x", "ledger.seal", "a.b"],
    "PURPOSE": ["x-", "teaching"],
    "B64": ["Q", "QQ", "QQ=", "QR==", "QUF=", "Q-_A", "QQ==QQ=="],
    "HEX": ["0f" * 31, "0f" * 31 + "0", "0F" * 32],
    "OBJECT": ["streams/x/segments/y.parquet"],
    "JOURNAL_FILE": ["0.arj", "0" * 20 + "_arj"],
}


def test_every_grammar_has_examples() -> None:
    assert ACCEPTED.keys() == REFUSED.keys() == PATTERNS.keys() == GRAMMARS.keys()


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, ts in ACCEPTED.items() for t in ts])
def test_accepted(name: str, text: str) -> None:
    assert GRAMMARS[name](text)


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, ts in REFUSED.items() for t in ts])
def test_refused(name: str, text: str) -> None:
    assert not GRAMMARS[name](text)


@pytest.mark.parametrize(("name", "text"), [(n, ts[-1]) for n, ts in ACCEPTED.items()])
def test_nothing_may_follow_or_precede(name: str, text: str) -> None:
    for more in (text + "\n", "\n" + text, text + "\x00", text + "\u2028"):
        if name not in {"TEXT256", "TEXT1024"} or "\u2028" not in more:
            assert not GRAMMARS[name](more)


@pytest.mark.parametrize("name", sorted(set(PATTERNS) - {"TEXT256", "TEXT1024"}))
def test_digits_and_letters_are_ascii(name: str) -> None:
    for text in ACCEPTED[name]:
        for old, new in (("0", "\u0660"), ("1", "\uff11"), ("a", "\u0430"), ("k", "\u212a")):
            if old in text:
                assert not GRAMMARS[name](text.replace(old, new))
