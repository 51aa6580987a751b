"""A collector that speaks section 11 of the format and can fail in the ways a real one does."""

import threading
from collections.abc import Callable
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from auditroll.wire import (
    Answer,
    LineResult,
    PayloadKey,
    ProducerCredential,
    VaultEpoch,
    decode_body,
)


class Epoch:
    def __init__(self) -> None:
        self.lines: dict[int, bytes] = {}
        self.prefix = ""
        self.prefix_through = -1

    def through(self) -> int:
        through = -1
        while through + 1 in self.lines:
            through += 1
        return through


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        epoch = self.server.collector.epochs.get(self.path.rpartition("/")[2], Epoch())
        state: dict[str, Any] = {
            "closed": False,
            "durable_through": epoch.through(),
            "archived_through": epoch.through(),
        }
        if epoch.prefix:
            state["prefix_sha256"] = epoch.prefix
        self.answer(200, b"[]" if self.server.collector.garbage else orjson.dumps(state))

    def do_POST(self) -> None:
        collector = self.server.collector
        body = self.rfile.read(int(self.headers["Content-Length"]))
        collector.requests += 1
        number = collector.requests
        status = collector.fail(number)
        if status:
            problem = {"code": "seq-gap" if status == 409 else "injected"}
            self.answer(status, b"oops" if status == 413 else orjson.dumps(problem))
            return
        answer = collector.take(dict(self.headers), body)
        if collector.lose_answer(number):
            self.close_connection = True
            self.connection.close()
            return
        self.answer(200, answer.encode())

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 503 and self.server.collector.retry_after:
            self.send_header("Retry-After", self.server.collector.retry_after)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    collector: "FakeCollector"


class FakeCollector:
    """Keeps every line; `fail` decides on each POST whether it answers with a status instead."""

    def __init__(self) -> None:
        self.epochs: dict[str, Epoch] = {}
        self.batches: list[tuple[str, int, int]] = []
        self.requests = 0
        self.fail: Callable[[int], int] = lambda _number: 0
        self.lose_answer: Callable[[int], bool] = lambda _number: False
        self.retry_after = ""
        self.garbage = False
        self.private = X25519PrivateKey.generate()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.collector = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def take(self, headers: dict[str, str], body: bytes) -> Answer:
        batch = decode_body(headers, body)
        epoch = self.epochs.setdefault(batch.epoch, Epoch())
        self.batches.append((batch.epoch, batch.first_seq, batch.count))
        results = []
        for offset, line in enumerate(batch.octets.splitlines()):
            seq = batch.first_seq + offset
            if seq in epoch.lines:
                results.append(LineResult(seq=seq, result="duplicate"))
                continue
            epoch.lines[seq] = line
            if line == b"{}":
                results.append(LineResult(seq=seq, result="quarantined", code="required"))
        last = batch.first_seq + batch.count - 1
        if last > epoch.prefix_through:
            epoch.prefix, epoch.prefix_through = str(batch.prefix_sha256), last
        duplicates = sum(result.result == "duplicate" for result in results)
        return Answer(
            accepted=batch.count - len(results),
            archived_through=epoch.through(),
            duplicates=duplicates,
            durable_through=epoch.through(),
            quarantined=len(results) - duplicates,
            results=results,
            root_checkpoint="",
        )

    def records(self) -> list[dict[str, Any]]:
        """Every record, epoch by epoch in the order of their numbers, without placeholders."""
        return [
            orjson.loads(epoch.lines[seq])
            for epoch in self.epochs.values()
            for seq in sorted(epoch.lines)
            if epoch.lines[seq] != b"{}"
        ]

    def credential(self) -> ProducerCredential:
        host, port = self.server.server_address[:2]
        return ProducerCredential(
            collector_url=f"http://{host!s}:{port}",
            producer_id="web-1",
            tenant_id="acme",
            services=["*"],
            key="ark_" + "k" * 43,
            lookup_key=sha256(b"lookup").hexdigest(),
            payload_key=PayloadKey(id="pk-1", key=sha256(b"payload").hexdigest()),
            vault_epoch=VaultEpoch(
                id="ve-1", public=self.private.public_key().public_bytes_raw().hex()
            ),
        )
