"""Runs the clinic against a collector of its own: `python -m examples.clinic.demo`.

Without options it keeps people busy until Ctrl-C. With `--once` it makes a fixed set of requests,
waits until every record is archived, prints what was expected and what was recorded as JSON, and
exits 0 if they agree.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson

from examples.clinic.processes import Fleet, free_port, serves, wait_until
from examples.clinic.proxy import find_nginx, write_config
from examples.clinic.traffic import Traffic

START_S: Final = 60.0
ARCHIVE_S: Final = 60.0
GATEWAY: Final = "gateway"


@dataclass(frozen=True, slots=True)
class Clinic:
    """Where everything is.

    Args:
        base: Address that people use.
        ready_file: What the collector wrote when it served.
        access_log: nginx's log, None when nginx is not installed.
    """

    base: str
    ready_file: Path
    access_log: Path | None

    def ready(self) -> dict[str, str]:
        """Return the collector's addresses and files."""
        found: dict[str, str] = orjson.loads(self.ready_file.read_bytes())
        return found


def main() -> int:
    """Run the demo and return its exit code."""
    arguments = _parser().parse_args()
    with ExitStack() as stack:
        folder = arguments.data
        if folder is None:
            name = stack.enter_context(tempfile.TemporaryDirectory()) if arguments.once else ""
            folder = Path(name or ".data/demo")
        folder = folder.resolve()
        fleet = stack.enter_context(Fleet(folder / "clinic"))
        try:
            clinic = _open(fleet, folder, arguments)
            if arguments.once:
                return _once(clinic, fleet, arguments.rounds)
            _forever(clinic, fleet, arguments.pause)
        except KeyboardInterrupt:
            _say("\nclosing the clinic")
        except RuntimeError as error:
            _say(f"the demo failed: {error} (logs are in {folder / 'clinic'})")
            return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demo", description="Run the example clinic.")
    parser.add_argument("--data", type=Path, help="folder (default: .data/demo; --once: temporary)")
    parser.add_argument("--listen", default="127.0.0.1:0", help="the collector's HOST:PORT")
    parser.add_argument("--once", action="store_true", help="a fixed set of requests, then a check")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of --once")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between requests")
    parser.add_argument("--direct", action="store_true", help="leave nginx out")
    return parser


def _open(fleet: Fleet, folder: Path, arguments: argparse.Namespace) -> Clinic:
    """Start the collector, then the clinic, then nginx."""
    ready_file = folder / "clinic" / "ready.json"
    ready_file.unlink(missing_ok=True)
    data = str(folder / "auditroll")
    up = ("auditroll.cli", "up", "--data", data, "--listen", arguments.listen)
    fleet.python("collector", *up, "--ready-file", str(ready_file))
    wait_until("the collector", ready_file.exists, seconds=START_S, fleet=fleet)
    ready: dict[str, str] = orjson.loads(ready_file.read_bytes())
    records, appointments = free_port(), free_port()
    environment = {
        "CLINIC_CREDENTIAL": ready["producer_key_file"],
        "CLINIC_SPOOL": str(folder / "clinic" / "spool"),
        "CLINIC_QUEUE": str(folder / "clinic" / "jobs.sqlite"),
        "CLINIC_APPOINTMENTS_URL": f"http://127.0.0.1:{appointments}",
    }
    for name, port in (("records", records), ("appointments", appointments)):
        # The addresses that nginx forwards are judged by auditroll, not rewritten by the server.
        server = ("uvicorn", f"examples.clinic.{name}:app", "--port", str(port))
        fleet.python(name, *server, "--no-proxy-headers", environment=environment)
    fleet.python("worker", "examples.clinic.worker", environment=environment)
    base = f"http://127.0.0.1:{records}"
    access_log = None
    nginx = None if arguments.direct else find_nginx()
    if nginx is not None:
        base, access_log = _start_nginx(fleet, nginx, folder, records, appointments)
    for url in (base, f"http://127.0.0.1:{records}", f"http://127.0.0.1:{appointments}"):
        wait_until(url, partial(serves, f"{url}/health"), seconds=START_S, fleet=fleet)
    return Clinic(base, ready_file, access_log)


def _start_nginx(
    fleet: Fleet, nginx: str, folder: Path, records: int, appointments: int
) -> tuple[str, Path]:
    own = folder / "clinic" / "nginx"
    port = free_port()
    config = write_config(own, port=port, records=records, appointments=appointments)
    error_log = str(own / "nginx-error.log")
    fleet.start("nginx", [nginx, "-e", error_log, "-p", str(own), "-c", str(config)])
    return f"http://127.0.0.1:{port}", own / "access.log"


def _forever(clinic: Clinic, fleet: Fleet, pause: float) -> None:
    ready = clinic.ready()
    _say(f"clinic    {clinic.base}" + ("" if clinic.access_log else "  (nginx is not installed)"))
    _say(f"console   {ready['console_url']}")
    _say(f"enrol     {ready['enrol_url']}")
    _say(f"data      {ready['data_dir']}")
    _say(f"verify    auditroll verify {ready['data_dir']}")
    _say("Ctrl-C closes the clinic.")
    if clinic.access_log is not None:
        follow = ("--follow", str(clinic.access_log))
        fleet.python("ingest", "auditroll.cli", *_ingest(clinic), *follow)
    traffic = Traffic(clinic.base)
    while True:
        for _ in traffic.round():
            time.sleep(pause)
            if fleet.dead():
                raise RuntimeError(f"{', '.join(fleet.dead())} ended")


def _once(clinic: Clinic, fleet: Fleet, rounds: int) -> int:
    """Make the requests, wait for their records, and compare."""
    before = _recorded(clinic)
    traffic = Traffic(clinic.base)
    for _ in range(rounds):
        for _name in traffic.round():
            pass
    expected = traffic.expected
    if clinic.access_log is not None:
        # nginx writes each line before it closes the log.
        fleet.stop("nginx")
        lines = clinic.access_log.read_bytes().count(b"\n")
        expected[GATEWAY] = lines
        words = [sys.executable, "-m", "auditroll.cli", *_ingest(clinic), str(clinic.access_log)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + ARCHIVE_S
    while True:
        recorded = _recorded(clinic)
        recorded.subtract(before)
        counts = {name: recorded[name] for name in sorted(expected)}
        agree = counts == dict(sorted(expected.items()))
        if agree or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    result = {
        "requests": traffic.requests,
        "expected": dict(sorted(expected.items())),
        "recorded": counts,
        "wrong": traffic.wrong,
        "traces": _traced(clinic),
    }
    _say(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode())
    return 0 if agree and not traffic.wrong else 1


def _ingest(clinic: Clinic) -> list[str]:
    options = ["--format", "json", "--service", GATEWAY, "--environment", "development"]
    return ["ingest", "--ready-file", str(clinic.ready_file), *options]


def _recorded(clinic: Clinic) -> Counter[str]:
    """Return the number of records by service."""
    rows = [*_search(clinic, "event_type=http.request"), *_search(clinic, "event_type=job.run")]
    return Counter(str(row["service_name"]) for row in rows)


def _traced(clinic: Clinic) -> list[str]:
    """Return which services share the request id of the newest job."""
    jobs = _search(clinic, "event_type=job.run")
    if not jobs:
        return []
    rows = _search(clinic, f"request_id={jobs[0]['request_id']}")
    return sorted({str(row["service_name"]) for row in rows})


def _search(clinic: Clinic, *filters: str) -> list[dict[str, Any]]:
    words = ["search", "--ready-file", str(clinic.ready_file), "--json", "--limit", "0", *filters]
    done = subprocess.run(
        [sys.executable, "-m", "auditroll.cli", *words], check=True, stdout=subprocess.PIPE
    )
    return [orjson.loads(line) for line in done.stdout.splitlines()]


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
