"""Lines of Apache and nginx as real files have them."""

import pytest

from auditroll.ingest.combined import parse_combined, unescape
from auditroll.ingest.entry import Unreadable

TIME = "[17/May/2015:10:05:03 +0000]"
WHEN = 1_431_857_103_000


def test_a_whole_line() -> None:
    entry = parse_combined(
        f'83.149.9.216 - jane {TIME} "GET /a/b?q=1 HTTP/1.1" 200 203023 '
        '"http://example.com/" "Mozilla/5.0 (X11) Chrome/32.0.1700.77"'
    )
    assert entry.when == WHEN
    assert entry.hops == ["83.149.9.216"]
    assert entry.user == "jane"
    assert (entry.method, entry.target) == ("GET", "/a/b?q=1")
    assert (entry.status, entry.bytes_out) == (200, 203_023)
    assert entry.agent == "Mozilla/5.0 (X11) Chrome/32.0.1700.77"
    assert entry.dropped == 1  # the referrer


@pytest.mark.parametrize(
    ("who", "hops", "user"),
    [
        ("10.0.0.2, 10.0.0.1, 127.0.0.1 - -", ["10.0.0.2", "10.0.0.1", "127.0.0.1"], ""),
        (
            '"10.5.102.222, 199.96.1.1" 10.2.1.185 - -',
            ["10.5.102.222", "199.96.1.1", "10.2.1.185"],
            "",
        ),
        (
            "2a03::8000, 10.225.192.17 10.2.2.121 - -",
            ["2a03::8000", "10.225.192.17", "10.2.2.121"],
            "",
        ),
        ("monitoring-server - -", ["monitoring-server"], ""),
        ("vhost1.example.org 123.123.123.123 - -", ["123.123.123.123"], ""),
        ("::1 - -", ["::1"], ""),
        ("192.168.202.254", ["192.168.202.254"], ""),
        ("10.0.0.1 - Jane van Doe", ["10.0.0.1"], "Jane van Doe"),
        ('10.0.0.1 - ""', ["10.0.0.1"], ""),
        ("10.0.0.1 - jane\\x40example.com", ["10.0.0.1"], "jane@example.com"),
        ("- - -", ["-"], ""),
    ],
)
def test_what_stands_before_the_time(who: str, hops: list[str], user: str) -> None:
    entry = parse_combined(f'{who} {TIME} "GET / HTTP/1.1" 200 1')
    assert entry.hops == hops
    assert entry.user == user


@pytest.mark.parametrize(
    ("request_line", "method", "target"),
    [
        ("GET / HTTP/1.1", "GET", "/"),
        ("GET /", "GET", "/"),
        ("GET /a b c HTTP/1.1", "GET", "/a b c"),
        ("-", "", ""),
        ("", "", ""),
        ("PATCHp /x HTTP/1.1", "PATCHp", "/x"),
        ("\\x16\\x03\\x01", "-", "\x16\x03\x01"),
        ('GET /\\"quoted\\" HTTP/2.0', "GET", '/"quoted"'),
        ("OPTIONS * HTTP/1.0", "OPTIONS", "*"),
    ],
)
def test_request_lines(request_line: str, method: str, target: str) -> None:
    entry = parse_combined(f'10.0.0.1 - - {TIME} "{request_line}" 400 0 "-" "-"')
    assert (entry.method, entry.target) == (method, target)
    assert entry.agent == ""


@pytest.mark.parametrize(
    ("rest", "status", "size"),
    [('"-" 408 -', 408, -1), ('"-" - 5', 0, 5), ('"-" 000 0', 0, 0), ('"-" 200', 200, -1)],
)
def test_status_and_size(rest: str, status: int, size: int) -> None:
    entry = parse_combined(f"::1 - - {TIME} {rest}")
    assert (entry.status, entry.bytes_out) == (status, size)


def test_fields_behind_the_last_are_counted() -> None:
    entry = parse_combined(
        f'10.0.0.1 - - {TIME} "GET / HTTP/1.1" 200 612 "-" "Mozilla/5.0" "-" 0.005 [up] "x"'
    )
    assert entry.agent == "Mozilla/5.0"
    assert entry.dropped == 3


def test_the_forwarded_addresses_of_nginxs_own_format() -> None:
    entry = parse_combined(
        f'10.0.0.1 - - {TIME} "GET / HTTP/1.1" 200 612 "-" "x" "192.0.2.7, 10.0.0.9"'
    )
    assert entry.hops == ["192.0.2.7", "10.0.0.9", "10.0.0.1"]
    assert entry.dropped == 0


def test_s7_a_forged_line_in_an_agent_is_text() -> None:
    entry = parse_combined(
        f'10.0.0.1 - - {TIME} "GET / HTTP/1.1" 200 1 "-" '
        '"x\\x0d\\x0a6.6.6.6 - root [01/Jan/2020:00:00:00 +0000] \\"GET /\\" 200 1"'
    )
    assert entry.hops == ["10.0.0.1"]
    assert entry.agent.startswith("x\r\n6.6.6.6 - root [01/Jan/2020")


def test_a_user_cannot_forge_the_time_or_the_request() -> None:
    entry = parse_combined(
        '10.0.0.1 - x [01/Jan/2020:00:00:00 +0000] \\"GET /forged HTTP/1.1\\" 200 1 '
        f'{TIME} "GET /real HTTP/1.1" 401 1'
    )
    assert entry.when == WHEN
    assert entry.target == "/real"
    assert entry.status == 401


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("", "empty"),
        ("   \t", "empty"),
        ("hello", "no-time"),
        ('a] "b"', "no-time"),
        ('hello "world"', "no-time"),
        (f"10.0.0.1 - - {TIME} GET / 200", "no-request"),
        (f'10.0.0.1 - - {TIME} "GET /', "no-request"),
        (f'10.0.0.1 - - {TIME} "GET / HTTP/1.1"', "no-status"),
        (f'10.0.0.1 - - {TIME} "GET / HTTP/1.1" "200" 1', "no-status"),
        (f'10.0.0.1 - - {TIME} "GET / HTTP/1.1" ok 1', "no-status"),
        ('10.0.0.1 - - [17/May/2015:10:05:03] "GET / HTTP/1.1" 200 1', "no-zone"),
        ('10.0.0.1 - - [99/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1', "bad-time"),
    ],
)
def test_lines_that_give_no_record(line: str, code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse_combined(line)
    assert caught.value.code == code


def test_escapes() -> None:
    assert unescape(r"a\x20b\t\\\q\n") == "a b\t\\q\n"
    assert unescape(r"\xc3\xa3") == "ã"
    assert unescape(r"\xff") == "\udcff"
    assert unescape(r"\u00e3\ud800") == "ã\ufffd"
    assert unescape("plain") == "plain"
