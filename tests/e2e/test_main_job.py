"""From a log file to a verified bundle, by the commands a new user types."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.server import AUDITROLL, Server, running, verify
from tests.support import CORPORA, needs_corpora

pytestmark = pytest.mark.e2e

LINE = (
    '203.0.113.{host} - {user} [25/Nov/2026:10:00:{second:02d} +0000] "GET /patients/{number} '
    'HTTP/1.1" {status} 512 "-" "curl/8.5.0"\n'
)


def access_log(path: Path, lines: int) -> Path:
    path.write_text(
        "".join(
            LINE.format(
                host=number % 250,
                user="-" if number % 3 else "jane@example.com",
                second=number % 60,
                number=number,
                status=(200, 403, 404)[number % 3],
            )
            for number in range(lines)
        )
    )
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("data")) as found:
        log = access_log(tmp_path_factory.mktemp("logs") / "access.log", 1000)
        summary = found.json("ingest", "--format", "combined", str(log))
        assert summary == {"lines": 1000, "accepted": 1000, "duplicates": 0, "quarantined": 0}
        yield found


def test_reading_a_file_again_adds_nothing(server: Server, tmp_path: Path) -> None:
    log = access_log(tmp_path / "again.log", 300)
    first = server.json("ingest", "--format", "combined", str(log))
    again = server.json("ingest", "--format", "combined", str(log))
    assert first["accepted"] == 300
    assert again == {"lines": 300, "accepted": 0, "duplicates": 300, "quarantined": 0}


def test_search_finds_every_denied_request(server: Server) -> None:
    found = server.run("search", "status_code=403", "--limit", "0", "--json")
    rows = [json.loads(line) for line in found.splitlines()]
    assert len({(row["stream"], row["index"]) for row in rows}) >= 333
    assert all(row["outcome"] == "denied" for row in rows)


def test_every_row_can_be_shown_and_proven(server: Server) -> None:
    row = json.loads(server.run("search", "--limit", "1", "--json"))
    shown = json.loads(server.run("show", row["stream"], str(row["index"]), "--json"))
    assert shown["record"]["event_id"] == row["event_id"]
    proof = server.run("prove", row["stream"], str(row["index"]))
    assert proof.startswith("c2sp.org/tlog-proof@v1\nindex ")


def test_no_identity_of_the_log_is_on_disk(server: Server) -> None:
    found = [
        path
        for path in server.data.rglob("*")
        if path.is_file() and (b"jane@" in path.read_bytes() or b"203.0.113." in path.read_bytes())
    ]
    assert found == []


def test_an_exported_bundle_verifies_without_the_server(server: Server, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    server.run("export", "--bundle", str(bundle))
    report = verify(bundle)
    assert (report["verdict"], report["findings"]) == ("ok", [])
    assert report["counts"]["records"] >= 1000


def test_a_running_folder_verifies(server: Server) -> None:
    assert verify(server.data)["verdict"] == "ok"


def test_the_producer_reads_nothing(server: Server) -> None:
    key = json.loads(Path(server.ready["producer_key_file"]).read_bytes())["key"]
    headers = {"Authorization": f"Bearer {key}"}
    for method, path in [
        ("POST", "/v1/records/search"),
        ("GET", "/v1/streams"),
        ("GET", "/v1/status"),
        ("GET", "/v1/metrics"),
        ("GET", "/v1/checkpoint"),
        ("POST", "/v1/exports"),
        ("GET", "/v1/openapi.json"),
    ]:
        answer = httpx.request(method, server.url + path, headers=headers, json={})
        assert answer.status_code in {401, 403}, path
        assert httpx.request(method, server.url + path, json={}).status_code == 401, path


def test_secrets_are_readable_by_their_owner_only(server: Server) -> None:
    for name in ("producer_key_file", "reader_token_file"):
        assert Path(server.ready[name]).stat().st_mode & 0o777 == 0o600
    assert server.ready_file.stat().st_mode & 0o777 == 0o600


def refused_start(*options: str) -> bytes:
    """Start a server that must refuse, and return what it says."""
    done = subprocess.run([*AUDITROLL, "up", *options], capture_output=True, check=False)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    return done.stderr


def test_a_second_server_on_the_folder_is_refused(server: Server) -> None:
    options = ("--data", str(server.data), "--listen", "127.0.0.1:0")
    assert b"data-locked" in refused_start(*options)
    assert server.json("status")["healthy"] is True


def test_an_address_others_reach_is_refused(tmp_path: Path) -> None:
    options = ("--data", str(tmp_path / "d"), "--listen", "0.0.0.0:0")
    assert b"unsafe-bind" in refused_start(*options)


def test_stop_restart_and_kill_lose_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    log = access_log(tmp_path / "access.log", 700)
    with running(data) as first:
        first.run("ingest", "--format", "combined", str(log))
        first.stop()
    assert verify(data)["verdict"] == "ok"
    with running(data) as second:
        assert second.json("ingest", "--format", "combined", str(log))["duplicates"] == 700
        second.kill()
    assert verify(data)["verdict"] == "ok"
    shutil.rmtree(data / "derived")
    with running(data) as third:
        assert third.json("ingest", "--format", "combined", str(log))["duplicates"] == 700
        third.stop()
    assert verify(data)["verdict"] == "ok"


@needs_corpora
def test_a_real_access_log_is_stored_or_quarantined_line_by_line(tmp_path: Path) -> None:
    log = CORPORA / "logs" / "apache" / "elastic_apache_combined.log"
    lines = log.read_bytes().count(b"\n")
    with running(tmp_path / "data") as server:
        summary = server.json("ingest", "--format", "combined", str(log))
        assert summary["lines"] == lines
        assert summary["accepted"] + summary["quarantined"] == lines
        again = server.json("ingest", "--format", "combined", str(log))
        assert again["accepted"] == 0
        assert again["duplicates"] == lines
        server.stop()
    assert verify(tmp_path / "data")["verdict"] == "ok"


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small folder with sealed segments and a journal tail."""
    data = tmp_path_factory.mktemp("stopped") / "data"
    with running(data, "--seal-seconds", "1") as server:
        log = access_log(data.parent / "access.log", 600)
        server.run("ingest", "--format", "combined", str(log))
        time.sleep(4)
        server.run("ingest", "--format", "combined", str(access_log(data.parent / "b.log", 50)))
        server.stop()
    assert verify(data)["verdict"] == "ok"
    return data


@pytest.mark.parametrize("attempt", range(24))
def test_any_flipped_octet_of_evidence_is_found(
    stopped: Path, tmp_path: Path, attempt: int
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(stopped, copy)
    files = sorted(
        path
        for folder in ("streams", "journal")
        for path in (copy / folder).rglob("*")
        if path.is_file()
    )
    path = files[attempt % len(files)] if attempt < len(files) else secrets.choice(files)
    octets = bytearray(path.read_bytes())
    at = secrets.randbelow(len(octets))
    octets[at] ^= 1 << secrets.randbelow(8)
    path.write_bytes(octets)
    report = verify(copy)
    assert report["exit"] in {1, 2}, (path, at)
    assert report["findings"], (path, at)


def test_a_signal_to_the_whole_group_ends_in_order(tmp_path: Path) -> None:
    """A terminal's Ctrl-C and a service manager's stop reach every process at once."""
    for number in (signal.SIGINT, signal.SIGTERM):
        with running(tmp_path / "data", new_group=True) as server:
            os.killpg(server.process.pid, number)
            out, _ = server.process.communicate(timeout=60)
            assert server.process.returncode == 0, out
            assert "has ended" not in out
    assert verify(tmp_path / "data")["verdict"] == "ok"
