"""The public privacy cases P1 to P6, P8 and P10, each as people reported it."""

import base64

import pytest

from auditroll.errors import PolicyError
from auditroll.redact import custom_redactor, redact_fields, redact_text, redact_value


@pytest.mark.parametrize("text", ["900-12-3456", "000-12-3456", "666-12-3456", "123-00-4567"])
def test_p1_numbers_never_issued_are_no_ssn(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize("text", ["INTRODUCTORY", "D3", "A1", "B43", "Introductory D3 A1 B43"])
def test_p2_words_and_short_codes_are_nothing(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "1789000000007",
        "1789000000",
        "1789000000007000123",
        "550e8400-e29b-41d4-a716-446655440000",
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "d41d8cd98f00b204e9800998ecf8427e",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "hosted-eu-20260812-09",
        '{"id":123456789}',
        '{"id":1234567890}',
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "2026-08-12T10:05:03.123Z",
        "v1.2.3.4",
        "order:48213-KX09",
        "10:05:03",
        "std::vector<int>::iterator",
        "icon@2x.png",
    ],
)
def test_p3_opaque_values_survive(text: str) -> None:
    assert redact_text(text) == text
    assert redact_text(f"job {text} done") == f"job {text} done"


@pytest.mark.parametrize(
    "number",
    [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111111111111111",
        "378282246310005",
        "6011 0009 9013 9424",
        "4131034282458809939",
        "6304 2737 3398",
        "630427373398",
        "6759 6498 2643 8453",
        "3530111333300000",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "30569309025904",
    ],
)
def test_p4_cards_of_every_length_are_redacted(number: str) -> None:
    assert redact_text(f"paid with {number}.") == "paid with [REDACTED:CARD]."


def test_p4_digits_that_are_no_card_stay() -> None:
    for text in ("4111 1111 1111 1112", "1234 5678 9012 3455", "0000 0000 0000 0000"):
        assert redact_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "jane.doe%40example.com",
        "jane.doe%2540example.com",
        "".join(chr(0xFEE0 + ord(one)) for one in "jane@example.com"),
        "ja\u200bne\u200d@exam\u2060ple.com",
        "jane\\u0040example.com",
        "jane&#64;example.com",
        "jane&commat;example&period;com",
        base64.b64encode(b"jane@example.com").decode(),
        base64.urlsafe_b64encode(b"<<jane@example.com>>").decode().rstrip("="),
        b"jane@example.com".hex(),
        base64.b32encode(b"jane@example.com").decode(),
    ],
)
def test_p5_encoded_addresses_are_redacted_with_their_whole_token(text: str) -> None:
    assert redact_text(f"user {text} updated") == "user [REDACTED:EMAIL] updated"


def test_p5_base64_inside_json() -> None:
    hidden = base64.b64encode(b'{"mail":"jane@example.com"}').decode()
    assert redact_text('{"blob":"' + hidden + '"}') == '{"blob":"[REDACTED:EMAIL]"}'


def test_p6_values_under_telling_keys() -> None:
    given = {
        "a": {"authorization": "Bearer abc"},
        "client_secret": "s",
        "refreshToken": "r",
        "tokens_in": 5,
        "auth_method": "bearer",
        "session_count": 3,
    }
    redacted = redact_fields(given)
    assert redacted.value == {
        "a": {"authorization": "[REDACTED:SECRET]"},
        "client_secret": "[REDACTED:SECRET]",
        "refreshToken": "[REDACTED:SECRET]",
        "tokens_in": 5,
        "auth_method": "bearer",
        "session_count": 3,
    }
    assert redacted.counts == {"SECRET": 3}
    assert "REDACTED" not in str(given)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r", "JWT"),
        ("mongodb://user:password@host", "URL_CREDENTIALS"),
        ("postgres://u:p/w@db.internal/x", "URL_CREDENTIALS"),
        (
            "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
            "SECRET",
        ),
        (
            "https://api.telegram.org/bot123456789:AAEhBOweik6ad9r_QXMvQZ4jyW-OtEsqN0A/getMe",
            "SECRET",
        ),
    ],
)
def test_p8_tokens_and_addresses_with_secrets(text: str, kind: str) -> None:
    assert redact_text(f"failed: {text} (timeout)") == f"failed: [REDACTED:{kind}] (timeout)"


@pytest.mark.parametrize("pattern", [r"(a+)+$(?=b)", r"(a)\1", "(?<=x)y", "(", "", "x*", "[^a]"])
def test_p10_patterns_the_linear_engine_cannot_take_are_refused(pattern: str) -> None:
    with pytest.raises(PolicyError) as caught:
        custom_redactor({"MINE": pattern})
    assert caught.value.code == "pattern-refused"


def test_p10_a_kind_must_fit_its_marker() -> None:
    for kind in ("", "mine", "A" * 33, "A-B"):
        with pytest.raises(PolicyError):
            custom_redactor({kind: "x+"})


def test_p10_a_catastrophic_pattern_that_compiles_is_linear() -> None:
    redactor = custom_redactor({"MINE": r"(?:a+)+b"})
    assert redactor.redact("a" * 4096).text == "a" * 4096
    assert redactor.redact("aaab").text == "[REDACTED:MINE]"


def test_markers_name_the_kind_only() -> None:
    redacted = redact_value("jane@example.com and 123-45-6789 and john@example.com")
    assert redacted.text == "[REDACTED:EMAIL] and [REDACTED:SSN] and [REDACTED:EMAIL]"
    assert redacted.counts == {"EMAIL": 2, "SSN": 1}
