"""Starting and stopping the clinic's processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import urllib3

__all__ = ["Fleet", "free_port", "serves", "wait_until"]

ROOT: Final = Path(__file__).resolve().parents[2]
STOP_S: Final = 15.0


class Fleet:
    """Processes that live as long as the `with` block; the last started is stopped first.

    Args:
        logs: Folder for what they print.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._running:
            self._stop(self._running[-1][0])

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a program; what it prints goes to a file of its name."""
        with (self._logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches only the demo, which stops the others in their order.
                start_new_session=True,
            )
        self._running.append((name, process))

    def python(self, name: str, *words: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a Python module."""
        self.start(name, [sys.executable, "-m", *words], environment)

    def stop(self, name: str) -> None:
        """Stop one process and wait until it is gone."""
        self._stop(name)

    def dead(self) -> list[str]:
        """Return the names of processes that ended by themselves."""
        return [name for name, process in self._running if process.poll() is not None]

    def _stop(self, name: str) -> None:
        found = next(one for one in self._running if one[0] == name)
        self._running.remove(found)
        process = found[1]
        if process.poll() is None:
            process.send_signal(signal.SIGINT if name == "collector" else signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def serves(url: str) -> bool:
    """Tell whether an address answers at all."""
    try:
        urllib3.request("GET", url, timeout=1.0, retries=False)
    except urllib3.exceptions.HTTPError:
        return False
    return True


def wait_until(what: str, true: Callable[[], bool], *, seconds: float, fleet: Fleet) -> None:
    """Wait for something to become true.

    Raises:
        RuntimeError: A process died meanwhile, or it took too long.
    """
    deadline = time.monotonic() + seconds
    while not true():
        if fleet.dead():
            raise RuntimeError(f"{', '.join(fleet.dead())} ended; see its log")
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.1)
