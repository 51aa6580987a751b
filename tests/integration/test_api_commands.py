"""The commands against a running server: JSON a line, aligned rows, exit codes, withheld slots."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditroll.verify import FolderReader, verify_bundle
from tests.e2e.server import Server, running
from tests.e2e.test_main_job import access_log

LINES = 40


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("data")) as found:
        log = access_log(tmp_path_factory.mktemp("logs") / "access.log", LINES)
        found.run("ingest", "--format", "combined", str(log))
        yield found


@pytest.fixture(scope="module")
def place(server: Server) -> tuple[str, str]:
    row = json.loads(server.run("search", "status_code=403", "--limit", "1", "--json"))
    return row["stream"], str(row["index"])


@pytest.mark.parametrize("command", ["search", "show", "prove", "streams", "status"])
def test_machines_get_one_json_value_a_line(
    server: Server, place: tuple[str, str], command: str
) -> None:
    words = (command, *place) if command in {"show", "prove"} else (command,)
    lines = server.run(*words, "--json").splitlines()
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_rows_of_a_search_line_up(server: Server) -> None:
    head, *rows = server.run("search", "status_code=403").splitlines()
    assert head.startswith("STREAM/INDEX")
    assert len(rows) == LINES // 3
    at = [head.index(name) for name in ("TIMESTAMP", "OUTCOME", "ACTION_TYPE", "USER_ID")]
    for row in rows:
        assert all(row[place - 1] == " " and row[place] != " " for place in at), row


def test_people_see_what_lags(server: Server) -> None:
    shown = server.run("status")
    assert "lag.unsealed_records" in shown
    assert "{" not in shown


@pytest.mark.parametrize(
    "words",
    [
        ("show", "0" * 32, "0"),
        ("show", "not-a-stream", "0"),
        ("prove", "0" * 32, "0"),
        ("search", "no_such_field=1"),
        ("search", "--from", "yesterday"),
        ("export", "--bundle", "{folder}", "--stream", "0" * 32),
    ],
)
def test_what_the_collector_refuses_exits_with_1(
    server: Server, tmp_path: Path, words: tuple[str, ...]
) -> None:
    filled = [word.replace("{folder}", str(tmp_path / "bundle")) for word in words]
    assert server.run(*filled, expect=1) == ""


def test_a_folder_that_holds_files_is_left_alone(server: Server, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    server.run("export", "--bundle", str(tmp_path), expect=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_withheld_slots_are_gone_from_the_bundle_and_it_verifies(
    server: Server, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    server.run("export", "--bundle", str(bundle), "--withhold", "actor", "--withhold", "source")
    report = verify_bundle(FolderReader(bundle), None)
    assert (report.verdict, report.exit, report.findings) == ("ok", 0, [])

    streams = json.loads(server.run("streams", "--json"))["streams"]
    kinds = {row["stream"]: row["kind"] for row in streams}
    hidden = 0
    for path in bundle.rglob("*.ndjson"):
        for line in map(json.loads, path.read_bytes().splitlines()):
            if kinds[path.parts[-3]] == "data":
                assert line["hidden"].keys() == {"actor", "source"}
                assert not line["slots"].keys() & {"actor", "source"}
                assert "seed" not in line
                hidden += 2
            else:
                assert "hidden" not in line
    assert report.counts.withheld == hidden >= 2 * LINES
    assert not [path for path in bundle.rglob("*") if path.is_file() and holds_user(path)]


def holds_user(path: Path) -> bool:
    return b'"user_id":"p_' in path.read_bytes()
