"""Other readings of a text, and the way back to the characters they came from."""

import base64
import gzip
import zlib

import pytest

from auditroll.redact import redact_value
from auditroll.redact.encoded import tokens
from auditroll.redact.shapes import Unscannable
from auditroll.redact.views import View, readings

MAIL = "jane@example.com"


def last(text: str) -> View:
    return list(readings(text))[-1]


@pytest.mark.parametrize(
    "encoded",
    [
        "".join(f"%{octet:02x}" for octet in MAIL.encode()),
        "".join(f"%u{ord(one):04x}" for one in MAIL),
        "".join(f"\\u{ord(one):04x}" for one in MAIL),
        "".join(f"\\\\u{ord(one):04X}" for one in MAIL),
        "".join(f"\\u{{{ord(one):x}}}" for one in MAIL),
        "".join(f"\\U{ord(one):08x}" for one in MAIL),
        "".join(f"\\x{octet:02x}" for octet in MAIL.encode()),
        "".join(f"\\{octet:03o}" for octet in MAIL.encode()),
        "".join(f"&#{ord(one)};" for one in MAIL),
        "".join(f"&#x{ord(one):X}" for one in MAIL),
        "jane\\N{COMMERCIAL AT}example.com",
        "".join(f"={octet:02X}" for octet in MAIL.encode()),
        "jane=40exam=\nple.com",
        "".join(chr(0xFEE0 + ord(one)) for one in MAIL),
        "".join(chr(0xE0000 + ord(one)) for one in MAIL),
        "\u00ad".join(MAIL),
        "\u0301".join(MAIL),
        "\x02".join(MAIL),
        "j\u0430ne@ex\u0430mple.com",
        "\u202e" + MAIL + "\u202c",
    ],
)
def test_each_way_of_writing_is_read(encoded: str) -> None:
    assert redact_value(f"user {encoded} updated").counts == {"EMAIL": 1}


@pytest.mark.parametrize(
    "encoded",
    [
        base64.b64encode(MAIL.encode()).decode(),
        base64.b64encode(MAIL.encode("utf-16-le")).decode(),
        base64.b64encode(MAIL.encode("utf-16-be")).decode(),
        base64.b64encode(gzip.compress(MAIL.encode(), mtime=0)).decode(),
        base64.b64encode(zlib.compress(MAIL.encode())).decode(),
        base64.b64encode(base64.b64encode(MAIL.encode())).decode(),
        base64.b64encode(MAIL.encode().hex().encode()).decode(),
        base64.b64encode(MAIL.replace("@", "%40").encode()).decode(),
        MAIL.encode().hex().upper(),
        "0x" + MAIL.encode().hex(),
        MAIL.encode().hex(" "),
        MAIL.encode().hex(":"),
        base64.b32encode(MAIL.encode()).decode(),
        "x_" + base64.b64encode(MAIL.encode()).decode() + "_y",
        "/api/" + base64.b64encode(MAIL.encode()).decode(),
    ],
)
def test_each_encoding_is_read(encoded: str) -> None:
    redacted = redact_value(f"user {encoded} updated")
    assert redacted.counts == {"EMAIL": 1}
    assert "[REDACTED:EMAIL]" in redacted.text


def test_only_the_source_of_a_hit_is_replaced() -> None:
    text = "Ünïcode %41 then jane%40example.com &amp; more é"
    assert redact_value(text).text == "Ünïcode %41 then [REDACTED:EMAIL] &amp; more é"


def test_digits_of_other_scripts_and_dashes() -> None:
    assert (
        redact_value(
            "nr \u0661\u0662\u0663\u2013\u0664\u0665\u2013\u0666\u0667\u0668\u0669 ok"
        ).text
        == "nr [REDACTED:SSN] ok"
    )
    assert redact_value("nr 123\u00a045\u00a06789 ok").text == "nr [REDACTED:SSN] ok"
    assert redact_value("nr 123\u221245\u22126789 ok").text == "nr [REDACTED:SSN] ok"


def test_octets_that_are_no_utf8_are_read_as_latin() -> None:
    assert last("%e9%ff").text == "eyÿ"[:1] + last("%e9%ff").text[1:]
    assert last("\\x80").text != "\\x80"


def test_escapes_that_are_none_stay() -> None:
    assert [view.text for view in readings("\\U00110000 \\N{NO SUCH NAME} \\ud800x")] == []


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert next(readings("\\ud83d\\ude00")).text == "\U0001f600"


def test_line_separators_and_json_signs() -> None:
    assert last("a\u2028b").text == "a\nb"
    assert last("https:\\/\\/x").text == "https://x"


def test_a_plus_may_be_a_space() -> None:
    assert last("123+45+6789").text == "123 45 6789"


def test_a_view_that_grows_too_much_is_refused() -> None:
    with pytest.raises(Unscannable):
        list(readings("\ufdfa" * 64))


def test_the_way_back_goes_through_every_layer() -> None:
    text = "ab%2540cd"
    view = last(text)
    assert view.text == "ab@cd"
    assert view.source(2, 3) == (2, 7)
    assert view.source(0, 2) == (0, 2)
    assert view.source(3, 5) == (7, 9)


def test_characters_that_stay_one_do_not_move_positions() -> None:
    view = last("\uff4a\uff41 x")
    assert view.layers == ()
    assert view.source(0, 2) == (0, 2)


def test_words_are_no_tokens() -> None:
    text = "INTRODUCTORY Internationalization well-known-words 0123456789abcdef"
    assert list(tokens(text)) == []


def test_a_token_that_inflates_too_far_is_cut() -> None:
    bomb = base64.b64encode(zlib.compress(b"a" * 5_000_000)).decode()
    assert all(len(token.text) <= 65_536 for token in tokens(bomb))


def test_a_token_of_zero_octets_is_no_text() -> None:
    assert list(tokens(base64.b64encode(bytes(24)).decode())) == []


def test_damaged_tokens_are_no_text() -> None:
    assert list(tokens("eJxxxxxxxxxxxxxxxxxx AAAAA=====A")) == []
