"""The command line: exit codes, help, and what it prints."""

import json
from pathlib import Path

import pytest

from auditroll.cli import COMMANDS, main
from auditroll.cli.output import Table, print_table, printable
from auditroll.cli.search import parse_filter
from auditroll.cli.up import parse_address
from auditroll.errors import PolicyError


def code_of(*words: str) -> int:
    """Run a command line and return its exit code, whichever way it ends."""
    try:
        return main(words)
    except SystemExit as ended:
        return int(str(ended.code))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(command, "--help") == 0
    shown = capsys.readouterr().out
    assert f"Example: auditroll {command}" in shown


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("no-such-command",),
        ("show",),
        ("show", "ab", "not-a-number"),
        ("search", "no operator"),
        ("search", "--no-such-option"),
        ("export",),
        ("export", "--bundle", "x", "--withhold", "timestamp"),
        ("verify",),
        ("verify", "no/such/path"),
        ("ingest", "--format", "no-such-format", "-"),
    ],
)
def test_wrong_usage_exits_with_3(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(*words) == 3
    assert capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format":"auditroll-trust/9"}'])
def test_a_bad_trust_file_is_wrong_usage(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    trust = tmp_path / "trust.json"
    trust.write_bytes(content)
    assert code_of("verify", str(tmp_path), "--trust", str(trust)) == 3
    assert code_of("verify", str(tmp_path), "--trust", str(tmp_path / "absent.json")) == 3
    assert "trust file cannot be used" in capsys.readouterr().err


def test_an_empty_folder_cannot_be_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of("verify", str(tmp_path), "--json") == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["verdict"] == "cannot-judge"


@pytest.mark.parametrize("content", [None, b"", b"[]", b"{}", b'{"api_url":7}'])
@pytest.mark.parametrize("command", [("status",), ("streams",), ("search",), ("show", "ab", "1")])
def test_without_a_collector_the_command_fails_with_a_hint(
    tmp_path: Path,
    command: tuple[str, ...],
    content: bytes | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ready = tmp_path / "ready.json"
    if content is not None:
        ready.write_bytes(content)
    assert code_of(*command, "--ready-file", str(ready)) == 1
    assert "[not-ready]" in capsys.readouterr().err


def test_a_collector_that_does_not_answer_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    token.write_text("secret")
    ready = tmp_path / "ready.json"
    members = {"reader_token_file": str(token), "producer_key_file": str(token)}
    ready.write_text(json.dumps({"api_url": "http://127.0.0.1:1", **members}))
    assert code_of("status", "--ready-file", str(ready)) == 1
    shown = capsys.readouterr().err
    assert "[unreachable]" in shown
    assert "secret" not in shown


def test_a_file_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = str(tmp_path / "producer.json")
    assert code_of("ingest", "--format", "combined", "-", "--credential", absent) == 1
    shown = capsys.readouterr().err
    assert shown == f"auditroll: {absent}: No such file or directory\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("outcome=denied", ("outcome", "eq", "denied")),
        ("status_code>=500", ("status_code", "gte", "500")),
        ("latency_ms<7", ("latency_ms", "lt", "7")),
        ("route^=/patients", ("route", "prefix", "/patients")),
        ("outcome!=ok", ("outcome", "ne", "ok")),
        ("error_code=a!=b", ("error_code", "eq", "a!=b")),
    ],
)
def test_a_filter_is_field_operator_value(text: str, expected: tuple[str, str, str]) -> None:
    found = parse_filter(text)
    assert (found["field"], found["op"], found["value"]) == expected


def test_an_address_is_host_and_port() -> None:
    assert parse_address("127.0.0.1:0") == ("127.0.0.1", 0)
    assert parse_address("[::1]:8600") == ("::1", 8600)


@pytest.mark.parametrize("text", ["", "8600", ":8600", "localhost", "localhost:x", "h:65536"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_address(text)
    assert caught.value.code == "bad-address"


@pytest.mark.parametrize("char", ["\x1b", "\r", "\n", "\x07", "\x00", "\x9b", "\u202e", "\u200b"])
def test_no_character_that_steers_a_terminal_is_printed(char: str) -> None:
    assert printable(f"a{char}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_what_people_write_is_printed_as_it_is() -> None:
    assert printable("Zoë 名 - /patients/{id}") == "Zoë 名 - /patients/{id}"


def test_columns_line_up_and_controls_are_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("A", "B"), [("long cell", "x\x1b[2J"), ("s", "y")])
    assert (
        capsys.readouterr().out
        == "A          B\nlong cell  x\N{REPLACEMENT CHARACTER}[2J\ns          y\n"
    )


def test_rows_of_a_stream_line_up_under_fixed_widths(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table((4, 0))
    for cells in (("a", "1"), ("longer", "2"), ("b", "3")):
        table.print(cells)
    assert capsys.readouterr().out == "a     1\nlonger  2\nb     3\n"
