"""A real server in a process of its own, driven by its ready file."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Only so that a test ends: a busy machine takes long to start two processes.
START_S = 120.0
AUDITROLL = [sys.executable, "-m", "auditroll.cli"]


class Server:
    """A running `auditroll up`."""

    def __init__(self, data: Path, *options: str, new_group: bool = False) -> None:
        self.data = data
        self.ready_file = data / "run" / "ready.json"
        self.ready_file.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [*AUDITROLL, "up", "--data", str(data), "--listen", "127.0.0.1:0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=new_group,
        )
        self.ready = self._wait()

    def _wait(self) -> dict[str, str]:
        until = time.monotonic() + START_S
        while not self.ready_file.exists():
            if self.process.poll() is not None or time.monotonic() > until:
                self.process.kill()
                raise AssertionError(f"the server did not start:\n{self.process.communicate()[0]}")
            time.sleep(0.02)
        return json.loads(self.ready_file.read_bytes())

    @property
    def url(self) -> str:
        return self.ready["api_url"]

    @property
    def token(self) -> str:
        return Path(self.ready["reader_token_file"]).read_text().strip()

    def run(self, *words: str, expect: int = 0, stdin: bytes | None = None) -> str:
        """Run a command against this server and return what it prints."""
        command = [*AUDITROLL, *words, "--ready-file", str(self.ready_file)]
        done = subprocess.run(command, capture_output=True, input=stdin, check=False)
        if done.returncode != expect:
            raise AssertionError(done.stderr.decode() + self.last_words())
        return done.stdout.decode()

    def last_words(self) -> str:
        """What the server printed, if it has ended."""
        return self.process.stdout.read() if self.process.poll() is not None else ""

    def json(self, *words: str) -> Any:
        """Run a command with `--json` and return its last line."""
        return json.loads(self.run(*words, "--json").splitlines()[-1])

    def stop(self) -> str:
        """Interrupt it as Ctrl-C does, and return what it printed."""
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, out
        return out

    def kill(self) -> None:
        """Kill it as a power switch would kill its process."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def running(data: Path, *options: str, new_group: bool = False) -> Iterator[Server]:
    server = Server(data, *options, new_group=new_group)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


def verify(path: Path, *options: str) -> dict[str, Any]:
    """Run the verifier in a process of its own; its exit code must be the report's."""
    command = [*AUDITROLL, "verify", str(path), "--json", *options]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.stdout, done.stderr.decode()
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["exit"] == done.returncode, done.stderr.decode()
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return report
