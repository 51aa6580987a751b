"""The example clinic from outside: every request leaves its records, and no identity does."""

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from examples.clinic.people import STAFF
from examples.clinic.proxy import find_nginx

from tests.support import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DEMO = [sys.executable, "-m", "examples.clinic.demo"]


def test_every_request_leaves_its_records_and_nothing_personal(tmp_path):
    done = subprocess.run(
        [*DEMO, "--once", "--rounds", "3", "--data", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=240,
    )
    result = orjson.loads(done.stdout)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert result["recorded"] == result["expected"]
    assert result["wrong"] == []
    gateway = ["gateway"] if find_nginx() else []
    assert result["traces"] == ["appointments", *gateway, "records", "worker"]
    octets = b"".join(
        path.read_bytes()
        for folder in (tmp_path / "auditroll" / "streams", tmp_path / "auditroll" / "journal")
        for path in folder.rglob("*")
        if path.is_file()
    )
    logs = b"".join(path.read_bytes() for path in (tmp_path / "clinic").glob("*.log"))
    spool = b"".join(
        path.read_bytes() for path in (tmp_path / "clinic").rglob("*.ars") if path.is_file()
    )
    for needle in (*(one.user_name for one in STAFF.values()), "jane.doe", *STAFF):
        for place in (octets, spool, logs, (tmp_path / "clinic" / "jobs.sqlite").read_bytes()):
            assert needle.encode() not in place


def test_ctrl_c_closes_the_clinic(tmp_path):
    process = subprocess.Popen(
        [*DEMO, "--data", str(tmp_path), "--direct"], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    said = b""
    while b"Ctrl-C" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    assert b"/console/" in said
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    assert process.wait(60) == 0
    assert b"closing" in rest
    assert not [one for one in _commands() if str(tmp_path).encode() in one]


def _commands():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_bytes()
