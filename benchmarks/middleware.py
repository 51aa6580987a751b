"""What recording costs a request: CPU of the server's process, against its neighbours.

Each variant is a server of its own (uvicorn, uvloop, httptools, one worker). Rounds are
interleaved, so that noise of the machine meets all alike; the loader is another process and its
CPU is not counted.
"""

import argparse
import asyncio
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks.report import Section, median_spread

VARIANTS: Final = {
    "bare": "FastAPI, nothing else",
    "auditroll": "auditroll, durable: record, write() to the spool, group fdatasync",
    "basehttp": "the same record through a BaseHTTPMiddleware",
    "otel": "OpenTelemetry's FastAPI instrumentation, batch processor, exporter that discards",
}
ROUTES: Final = {"trivial": "/patients/p-1", "2 ms of CPU": "/busy/p-1"}
CONNECTIONS: Final = 8
BUSY_S: Final = 0.002


def serve(variant: str, folder: Path, port: int) -> None:
    """Run one variant until it is stopped."""
    import uvicorn
    from fastapi import FastAPI

    app = FastAPI(openapi_url=None)

    @app.get("/patients/{patient_id}")
    async def trivial(patient_id: str) -> dict[str, str]:
        return {"patient_id": patient_id}

    @app.get("/busy/{patient_id}")
    async def busy(patient_id: str) -> dict[str, str]:
        end = time.thread_time() + BUSY_S
        while time.thread_time() < end:
            pass
        return {"patient_id": patient_id}

    _SETUP[variant](app, folder)
    uvicorn.run(
        app, host="127.0.0.1", port=port, access_log=False, log_level="error", proxy_headers=False
    )


def _credential(folder: Path) -> Path:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    from auditroll.wire import PayloadKey, ProducerCredential, VaultEpoch

    path = folder / "producer.json"
    public = X25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    credential = ProducerCredential(
        collector_url="http://127.0.0.1:9",
        producer_id="bench",
        tenant_id="default",
        services=["*"],
        key="ark_" + secrets.token_urlsafe(32),
        lookup_key=secrets.token_hex(32),
        payload_key=PayloadKey(id="k1", key=secrets.token_hex(32)),
        vault_epoch=VaultEpoch(id="v1", public=public),
    )
    path.write_bytes(credential.encode())
    path.chmod(0o600)
    return path


def _bare(app: Any, folder: Path) -> None:
    """Add nothing."""


def _auditroll(app: Any, folder: Path) -> None:
    import auditroll

    auditroll.instrument(
        app,
        service="bench",
        environment="test",
        credential=_credential(folder),
        spool=folder / "spool",
        ship=False,
    )


def _basehttp(app: Any, folder: Path) -> None:
    from starlette.middleware.base import BaseHTTPMiddleware

    from auditroll.clock import now_ms
    from auditroll.event import format_time, request_id
    from auditroll.recorder import Recorder, load_credential

    recorder = Recorder(
        load_credential(_credential(folder)),
        service="bench",
        environment="test",
        spool_root=folder / "spool",
    )

    async def dispatch(request: Any, call_next: Any) -> Any:
        started, started_ms = time.perf_counter_ns(), now_ms()
        response = await call_next(request)
        patient = request.path_params.get("patient_id")
        recorder.record(
            {
                "event_type": "http.request",
                "action_type": "READ",
                "actor_type": "human",
                "user_id": "anonymous",
                "http_method": request.method,
                "route": request.scope["route"].path,
                "resource_type": "patient",
                "resource_id": f"patient:{patient}",
                "status_code": response.status_code,
                "outcome": "ok",
                "success": True,
                "latency_ms": (time.perf_counter_ns() - started) // 1_000_000,
                "timestamp": format_time(started_ms),
                "request_id": request_id(os.urandom(16)),
                "source_ip": request.client.host,
                "user_agent": request.headers.get("user-agent"),
            }
        )
        return response

    app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)


def _otel(app: Any, folder: Path) -> None:
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Discard(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Discard()))
    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)


_SETUP: Final[dict[str, Callable[[Any, Path], None]]] = {
    "bare": _bare,
    "auditroll": _auditroll,
    "basehttp": _basehttp,
    "otel": _otel,
}


def cpu_ns(pid: int) -> int:
    """Return the CPU time of all threads of a process, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir())


async def load(port: int, path: str, requests: int) -> None:
    """Make requests over kept-alive connections; every answer must be a 200."""
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench/1.0\r\n"
    head += "Accept: application/json\r\nAccept-Encoding: gzip\r\nX-Request-ID: 1\r\n\r\n"
    octets = head.encode()

    async def one(count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count):
            writer.write(octets)
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(answer.decode())
            length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()

    await asyncio.gather(*(one(requests // CONNECTIONS) for _ in range(CONNECTIONS)))


def measure(rounds: int, requests: dict[str, int]) -> dict[str, dict[str, list[float]]]:
    """Return microseconds of CPU a request, by route and variant, one a round."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with ExitStack() as stack:
        servers = {name: _start(stack, name) for name in VARIANTS}
        for port, _ in servers.values():
            asyncio.run(load(port, ROUTES["trivial"], 400))
        for number in range(rounds):
            names = list(servers)
            # Each variant is measured at each place of a round.
            shift = number % len(names)
            for route, path in ROUTES.items():
                for name in names[shift:] + names[:shift]:
                    port, pid = servers[name]
                    before = cpu_ns(pid)
                    asyncio.run(load(port, path, requests[route]))
                    used = cpu_ns(pid) - before
                    found[route][name].append(used / requests[route] / 1_000)
    return found


def _start(stack: ExitStack, variant: str) -> tuple[int, int]:
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.middleware", "--serve", variant]
    process = subprocess.Popen([*command, "--folder", folder, "--port", str(port)])
    stack.callback(process.wait)
    stack.callback(process.kill)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return port, process.pid
        time.sleep(0.05)
    raise RuntimeError(f"the server of {variant} did not start")


def report(found: dict[str, dict[str, list[float]]], requests: dict[str, int]) -> None:
    """Print the section."""
    section = Section(
        "Middleware: CPU a request",
        "FastAPI under uvicorn (uvloop, httptools, one worker); CPU of the server's process with "
        f"all its threads, the loader's not counted; {CONNECTIONS} kept-alive connections; "
        f"{requests['trivial']:,} and {requests['2 ms of CPU']:,} requests a round, rounds "
        "interleaved. auditroll and the BaseHTTPMiddleware write each record to the spool before "
        "the response ends: it survives the death of the process, and power loss 50 ms later. "
        "OpenTelemetry's spans are in memory until exported.",
    )
    section.head("route", "variant", "us a request", "times bare", "added us")
    for route, variants in found.items():
        bare = statistics.median(variants["bare"])
        for name, values in variants.items():
            middle = statistics.median(values)
            section.row(
                route,
                VARIANTS[name],
                median_spread(values),
                f"{middle / bare:.2f}",
                f"{middle - bare:,.0f}",
            )


def memory(total: int, section: Section) -> None:
    """Make requests without a network, from many users with many agents, and watch the memory."""
    from fastapi import FastAPI

    import auditroll
    from auditroll import audit

    app = FastAPI(openapi_url=None)

    @app.get("/patients/{patient_id}")
    async def patient(patient_id: str) -> dict[str, str]:
        audit.actor(f"user-{int(patient_id) % 40_000}@clinic.example", role="nurse")
        audit.purpose("treatment")
        return {"patient_id": patient_id}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: Any) -> None:
        return None

    async def run(folder: Path) -> None:
        auditroll.instrument(
            app,
            service="bench",
            environment="test",
            credential=_credential(folder),
            spool=folder / "spool",
            ship=False,
        )
        for number in range(1, total + 1):
            # One in ten is a path that nobody knows.
            path = f"/patients/{number}" if number % 10 else f"/nope/{secrets.token_hex(8)}"
            agent = f"Browser/{number % 5_000}".encode()
            scope = {
                "type": "http",
                "method": "GET",
                "path": path,
                "root_path": "",
                "query_string": b"",
                "client": (f"10.0.{number % 7}.{number % 251}", 4711),
                "headers": [(b"user-agent", agent), (b"x-request-id", b"c-%d" % number)],
            }
            await app(scope, receive, send)
            if number in marks:
                section.row(f"{number:,}", f"{_resident_mib():.0f}")

    marks = {total // 10, total // 5, total // 2, total}
    section.head("requests so far", "resident MiB")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> int:
    """Measure, or serve one variant."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.middleware")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--serve", choices=VARIANTS)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--port", type=int)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.folder, arguments.port)
        return 0
    rounds, scale = (3, 1) if arguments.quick else (9, 5)
    requests = {"trivial": 800 * scale, "2 ms of CPU": 160 * scale}
    report(measure(rounds, requests), requests)
    total = 20_000 if arguments.quick else 1_000_000
    section = Section(
        "Middleware: memory",
        f"{total:,} requests in one process, without a network and without shipping: 40,000 users "
        "(each sealed for the vault), 5,000 user agents, a tenth of the paths unknown. The caches "
        "fill, then nothing grows.",
    )
    memory(total, section)
    return 0


if __name__ == "__main__":
    sys.exit(main())
