"""L5, L8, L9: a real server's log, exported whole, restored old, and its derived files lost."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from auditroll.event.canonical import decode, encode
from auditroll.tlog.checkpoint import read_checkpoint
from auditroll.verify import Trust
from tests.cases.bundles import edited_copy, records_of, tree_root
from tests.e2e.server import Server, running, verify
from tests.e2e.test_main_job import access_log, refused_start

pytestmark = pytest.mark.e2e

LINES = 10_001


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a stopped server that took 10,001 lines, sealed in part."""
    folder = tmp_path_factory.mktemp("log")
    with running(folder / "data", "--seal-seconds", "1") as server:
        log = access_log(folder / "access.log", LINES)
        assert server.json("ingest", "--format", "combined", str(log))["accepted"] == LINES
        while not list((folder / "data" / "streams").glob("*/segments/*.parquet")):
            time.sleep(0.05)
        server.stop()
    return folder / "data"


@pytest.fixture
def folder(data: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(data, tmp_path / "data"))


@pytest.fixture(scope="module")
def server(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    copy = tmp_path_factory.mktemp("running") / "data"
    shutil.copytree(data, copy)
    with running(copy) as found:
        yield found


@pytest.fixture(scope="module")
def bundle(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "bundle"
    server.run("export", "--bundle", str(folder))
    return folder


def data_stream(server: Server) -> str:
    (row,) = server.run("search", "event_type=http.request", "--limit", "1", "--json").splitlines()
    return json.loads(row)["stream"]


def places(server: Server) -> list[tuple[str, int]]:
    rows = server.run("search", "event_type=http.request", "--limit", "0", "--json").splitlines()
    return sorted((row["stream"], row["index"]) for row in map(json.loads, rows))


# L5


def test_l5_a_search_without_a_limit_returns_every_row(server: Server) -> None:
    found = places(server)
    assert len(set(found)) == LINES
    assert [index for _, index in found] == list(range(1, LINES + 1))


def test_l5_an_export_holds_every_record_and_its_root_follows_from_the_file(
    server: Server, bundle: Path
) -> None:
    stream = data_stream(server)
    lines = records_of(bundle, stream)
    assert len(lines) == LINES + 1
    note = (bundle / "streams" / stream / "checkpoint").read_text()
    head = read_checkpoint(note, note.split("\n", 1)[0])
    assert (head.size, head.root) == (LINES + 1, tree_root(lines))
    report = verify(bundle)
    assert (report["verdict"], report["findings"]) == ("ok", [])


@pytest.mark.parametrize("lost", [1, 2, 5_000])
def test_l5_an_export_that_ends_early_says_so(
    server: Server, bundle: Path, tmp_path: Path, lost: int
) -> None:
    stream = data_stream(server)
    cut = edited_copy(bundle, tmp_path / "cut", stream, lambda lines: lines[:-lost])
    report = verify(cut)
    assert (report["verdict"], report["exit"]) == ("truncated-tail", 1)
    assert report["findings"] == [
        {
            "range": [LINES + 1 - lost, LINES + 1],
            "stream": stream,
            "verdict": "truncated-tail",
        }
    ]


# L8


def grown(folder: Path, backup: Path) -> dict[str, object]:
    """Let the log grow after `backup` was taken, and return the newest root head."""
    log = access_log(backup.parent / "later.log", 20)
    with running(folder) as server:
        server.run("ingest", "--format", "combined", str(log))
        server.stop()
    trust = decode((folder / "keys" / "trust.json").read_bytes())
    note = (folder / "streams" / trust["root_stream"] / "checkpoint").read_text()
    head = read_checkpoint(note, note.split("\n", 1)[0])
    return {"root": head.root.hex(), "size": head.size}


def test_l8_an_old_copy_of_the_folder_is_rolled_back_for_who_holds_a_checkpoint(
    folder: Path, tmp_path: Path
) -> None:
    backup = Path(shutil.copytree(folder, tmp_path / "backup"))
    held = grown(folder, backup)
    own = decode((backup / "keys" / "trust.json").read_bytes())
    trust = tmp_path / "trust.json"
    trust.write_bytes(encode(own | {"last_checkpoint": held}))
    assert Trust.parse(trust.read_bytes()).last_checkpoint is not None
    assert verify(folder, "--trust", str(trust))["verdict"] == "ok"
    # The copy is consistent in itself: only what is held elsewhere contradicts it.
    assert verify(backup)["verdict"] == "ok"
    report = verify(backup, "--trust", str(trust))
    assert (report["verdict"], report["exit"]) == ("rolled-back", 1)


def test_l8_a_server_does_not_go_on_behind_what_it_signed(folder: Path, tmp_path: Path) -> None:
    """Records of an old copy beside newer heads: a second root for one size is never signed."""
    backup = Path(shutil.copytree(folder, tmp_path / "backup"))
    grown(folder, backup)
    for path in (folder / "streams").glob("*/head.json"):
        shutil.copy(path, backup / path.relative_to(folder))
    assert b"rolled-back" in refused_start("--data", str(backup), "--listen", "127.0.0.1:0")
    assert verify(backup)["exit"] == 1


# L9


def derived(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "derived").rglob("*") if path.is_file())


DAMAGE: Sequence[Callable[[bytes], bytes | None]] = [
    lambda octets: None,
    lambda octets: b"",
    lambda octets: octets[: len(octets) // 2],
    lambda octets: bytes([octets[0] ^ 1]) + octets[1:],
]


@pytest.mark.parametrize("turn", range(2))
def test_l9_derived_files_lost_or_damaged_change_no_answer(
    server: Server, folder: Path, turn: int
) -> None:
    """Each file is deleted, emptied, cut or changed."""
    expected = places(server)
    with running(folder) as first:
        assert places(first) == expected
        first.stop()
    files = derived(folder)
    assert {path.relative_to(folder / "derived").parts[0] for path in files} >= {
        "catalogue",
        "journal",
        "tiles",
    }
    for number, path in enumerate(files):
        damaged = DAMAGE[(number + 2 * turn) % len(DAMAGE)](path.read_bytes())
        if damaged is None:
            path.unlink()
        else:
            path.write_bytes(damaged)
    with running(folder) as again:
        assert places(again) == expected
        stream, index = expected[LINES // 2]
        proof = again.run("prove", stream, str(index))
        # Some damage shows at the start, some when the file is first needed; all is told by now.
        status = again.json("status")
        assert status["rebuilt"] or status["catalogue"]["damaged"] or status["catalogue"]["absent"]
        assert proof.startswith("c2sp.org/tlog-proof@v1\n")
        again.stop()
    assert verify(folder)["verdict"] == "ok"
