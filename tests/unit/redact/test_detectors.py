"""Each detector with what it must find and what only looks like it."""

import pytest

from auditroll.redact import redact_value

FOUND = [
    ("EMAIL", "jane.doe+tag@mail.example.co.uk"),
    ("EMAIL", '"jane doe"@example.com'),
    ("EMAIL", "jürgen@müller.de"),
    ("EMAIL", "почта@пример.рф"),
    ("EMAIL", "jane [at] example [dot] com"),
    ("EMAIL", "jane(at)example.com"),
    ("EMAIL", "jane at example dot com"),
    ("SSN", "123-45-6789"),
    ("SSN", "123 45 6789"),
    ("SSN", "123.45.6789"),
    ("SSN", "SSN 123456789"),
    ("SSN", "social security number is 123456789"),
    ("ITIN", "912-70-1234"),
    ("ITIN", "ITIN: 912701234"),
    ("IBAN", "DE89370400440532013000"),
    ("IBAN", "DE89 3704 0044 0532 0130 00"),
    ("IBAN", "gb29nwbk60161331926819"),
    ("IP", "10.1.2.3"),
    ("IP", "10.1.2.3:8080"),
    ("IP", "http 192.0.2.1, 7"),
    ("IP", "2001:db8::8a2e:370:7334"),
    ("IP", "addr:2001:db8:0:0:0:0:0:1"),
    ("IP", "fe80::1"),
    ("IP", "[2001:db8::1]:443"),
    ("MAC", "00:1B:44:11:3A:B7"),
    ("MAC", "00-1b-44-11-3a-b7"),
    ("MAC", "001b.4411.3ab7"),
    ("PHONE", "+49 30 1234567"),
    ("PHONE", "0049-30-1234567"),
    ("PHONE", "(978) 645-9740 x111"),
    ("PHONE", "001-748-088-2851x818"),
    ("PHONE", "(88) 684-334"),
    ("PHONE", "0487 23 46 71"),
    ("PHONE", "02.27.96.63.08"),
    ("PHONE", "phone: 7822652"),
    ("PHONE", "they are not answering at 785 8949"),
    ("PHONE", "2813882583 mobile"),
    ("DOB", "dob: 1961-02-07"),
    ("DOB", "born on 2/7/1961"),
    ("DOB", "date of birth is 7 Feb 1961"),
    ("DOB", "birthday: February 7, 1961"),
    ("MRN", "MRN 0012345"),
    ("MRN", "medical record number: A123456"),
    ("PASSPORT", "passport no. X1234567"),
    ("LICENSE", "driver's license number is LH329609T"),
    ("NPI", "NPI 1234567893"),
    ("DEA", "DEA number AB1234563"),
    ("NHS", "NHS number 943 476 5919"),
    ("NHS", "nhs: 9434765919"),
    ("AADHAAR", "2341 2341 2346"),
    ("AADHAAR", "aadhaar 234123412346"),
    ("MBI", "1EG4-TE5-MK73"),
    ("BEARER", "sent Bearer abc123def456"),
    ("BASIC_AUTH", "header was Basic dXNlcjpwYXNz"),
    ("SECRET", "password=hunter2"),
    ("SECRET", 'config {"api_key": "a b c"}'),
    ("SECRET", "Authorization: Bearer abc"),
    ("SECRET", "clientSecret => 'xyz'"),
    ("SECRET", "Cookie: sid=31d4d96e407aad42; theme=dark"),
    ("SECRET", "key sk-" + "ant-api03-" + "abcDEF123456abcdefg"),
    ("SECRET", "AKIAIOSFODNN7EXAMPLE"),
    ("SECRET", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
    ("SECRET", "xoxb-1234567890-abcdefghij"),
    ("SECRET", "AIzaSyA1234567890abcdefghijklmnopqrstuv"),
    ("SECRET", "ark_" + "A1b2C3d4" * 5 + "xyz"),
    ("URL", "see https://example.com/users/jane?x=1 for"),
    ("URL_CREDENTIALS", "https://abcdef0123@o1.example.com/42"),
    (
        "PRIVATE_KEY",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    ),
    ("PRIVATE_KEY", "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC"),
]

NOT_FOUND = [
    "zz:1",
    "0712 34",
    "ab:cd: x",
    "a1f:b",
    "MRN 0012345A",
    "+1 2",
    "+28 123456789",
    "(0123) 456-78901234",
    "call 12.08.2026",
    "(12) 123-4567890123",
    "x+4930123456789",
    "a.1234567 fax",
    "user@localhost",
    "a@b",
    "1234567890",
    "2026-08-12",
    "08/12/2026 and 12.08.2026",
    "Suite 680 36 4022",
    "123-45-6789-1",
    "1123-45-6789",
    "123-45.6789",
    "912-12-1234",
    "DE89370400440532013001",
    "XX89370400440532013000",
    "256.1.1.1",
    "1.2.3.4.5",
    "Chrome/18.0.855.0",
    "version 10.1.2.3",
    "12:30:45",
    "::",
    "add::bad",
    "00:1B:44:11:3A:B7:99",
    "a00:1B:44:11:3A:B7",
    "+0123456789",
    "00123456789",
    "(1) 2-3",
    "ref 0712-345678-99999999999",
    "order 48-213-1",
    "born to run",
    "MRN pending",
    "passport required",
    "NPI 1234567890",
    "DEA AB1234567",
    "NHS number 9434765918",
    "NHS number 1111111111",
    "2341 2341 2347",
    "bearer authentication",
    "basic operation",
    "Basic !!!!",
    "tokens_in=5 tokens_out: 7 session_count=3 auth_method=basic author: Kim",
    'password=""',
    "token=",
    "secretary: yes",
    "xsk-" + "ant-api03-" + "abcDEF123456abcdefg",
    "ssn 000000000",
    "itin 900000000",
]


@pytest.mark.parametrize(("kind", "text"), FOUND)
def test_found(kind: str, text: str) -> None:
    redacted = redact_value(text)
    assert list(redacted.counts) == [kind], redacted
    assert f"[REDACTED:{kind}]" in redacted.text


@pytest.mark.parametrize("text", NOT_FOUND)
def test_left_alone(text: str) -> None:
    assert redact_value(text).text == text


def test_a_url_with_a_port_and_a_later_at_sign_is_only_a_url() -> None:
    assert redact_value("https://host:8080/@jane").counts == {"URL": 1}


def test_punctuation_behind_a_url_stays() -> None:
    assert redact_value("(see http://x.example/a).").text == "(see [REDACTED:URL])."


def test_glued_values_are_found() -> None:
    assert redact_value("x_123-45-6789_y").text == "x_[REDACTED:SSN]_y"
    assert redact_value("x_4111111111111111_y").text == "x_[REDACTED:CARD]_y"
    assert redact_value("x_10.1.2.3_y").text == "x_[REDACTED:IP]_y"


def test_a_card_among_other_digits_is_found() -> None:
    text = "id 12345 4111 1111 1111 1111 99"
    assert redact_value(text).text == "id 12345 [REDACTED:CARD] 99"


def test_two_cards_in_one_run() -> None:
    text = "4111 1111 1111 1111 5555 5555 5555 4444"
    assert redact_value(text).counts == {"CARD": 2}


def test_a_word_makes_rare_ranges_a_card() -> None:
    assert redact_value("563456789012").text == "563456789012"
    assert redact_value("card 5612345678901234567").counts == {}


def test_an_iban_ends_where_its_country_says() -> None:
    assert redact_value("DE89370400440532013000EUR").text == "[REDACTED:IBAN]EUR"
    assert redact_value("DE893704004405320130001").text == "DE893704004405320130001"


def test_an_at_sign_in_a_host_is_no_secret_of_a_key() -> None:
    assert redact_value("[REDACTED:EMAIL] left").counts == {}
