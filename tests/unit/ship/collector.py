"""A small collector that speaks the wire over real sockets, and fails on request."""

import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from auditroll.errors import ProducerError
from auditroll.event import encode
from auditroll.wire import Answer, Batch, LineResult, decode_body

Fault = Callable[["Handler", Batch | None], bool]
"""Does something to one exchange; True when that was the whole answer."""

CHECKPOINT = "test.example/root\n1\nAAAA\n"


class FakeCollector:
    """Keeps every line once by (epoch, number), and says how far it has each epoch.

    Faults are used up one for each exchange, in order.
    """

    def __init__(self) -> None:
        self.records: dict[str, dict[int, bytes]] = {}
        self.exchanges = 0
        self.duplicates = 0
        self.sizes: list[int] = []
        self.faults: list[Fault] = []
        self.refused: dict[int, str] = {}
        self.archive_lag = 0
        self.closed: dict[str, int] = {}
        self.keys = {"ark_" + "A" * 43}
        self.encodings: list[str] = []
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.collector = self
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def through(self, epoch: str) -> int:
        numbers = self.records.get(epoch, {})
        through = -1
        while through + 1 in numbers:
            through += 1
        return through

    def store(self, batch: Batch) -> Answer:
        with self.lock:
            known = self.records.setdefault(batch.epoch, {})
            results = []
            for number, line in enumerate(batch.octets.splitlines(), batch.first_seq):
                if number in known:
                    self.duplicates += 1
                    results.append(LineResult(seq=number, result="duplicate"))
                    continue
                known[number] = line
                if number in self.refused:
                    code = self.refused[number]
                    results.append(LineResult(seq=number, result="quarantined", code=code))
            duplicates = sum(result.result == "duplicate" for result in results)
            through = self.through(batch.epoch)
            self.sizes.append(batch.count)
            return Answer(
                accepted=batch.count - len(results),
                archived_through=through - self.archive_lag,
                duplicates=duplicates,
                durable_through=through,
                quarantined=len(results) - duplicates,
                results=results,
                root_checkpoint=CHECKPOINT,
            )

    def lines(self) -> list[bytes]:
        return [line for records in self.records.values() for line in records.values()]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    collector: FakeCollector


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        collector = self.server.collector
        epoch = self.path.rpartition("/")[2]
        through = collector.through(epoch)
        state = {"archived_through": through, "closed": False, "durable_through": through}
        self.reply(200, encode(state))

    def do_POST(self) -> None:
        collector = self.server.collector
        body = self.rfile.read(int(self.headers["Content-Length"]))
        collector.exchanges += 1
        collector.encodings.append(self.headers.get("Content-Encoding", "identity"))
        if self.headers["Authorization"].removeprefix("Bearer ") not in collector.keys:
            self.problem(401, "unauthenticated")
            return
        fault = collector.faults.pop(0) if collector.faults else None
        batch = None
        try:
            batch = decode_body(dict(self.headers), body)
            if fault is not None and fault(self, batch):
                return
            last = batch.first_seq + batch.count - 1
            closed = collector.closed.get(batch.epoch)
            if closed is not None and last > closed:
                self.problem(409, "epoch-closed", durable_through=closed)
                return
            answer = collector.store(batch)
        except ProducerError as error:
            self.problem(error.status, error.code)
            return
        self.reply(200, answer.encode())

    def problem(self, status: int, code: str, retry_after: str = "", **more: Any) -> None:
        headers = {"Retry-After": retry_after} if retry_after else {}
        self.reply(status, encode({"code": code, "status": status, **more}), headers)

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def status(code: int, problem: str = "", retry_after: str = "", **more: Any) -> Fault:
    """Answer with a status and no more."""

    def fault(handler: Handler, _batch: Batch | None) -> bool:
        if problem:
            handler.problem(code, problem, retry_after, **more)
        else:
            handler.reply(code, b"<html>a proxy</html>")
        return True

    return fault


def lost_answer(handler: Handler, batch: Batch | None) -> bool:
    """Store the batch, then lose the connection."""
    assert batch is not None
    handler.server.collector.store(batch)
    reset(handler)
    return True


def reset(handler: Handler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def black_hole(handler: Handler, _batch: Batch | None) -> bool:
    """Say nothing at all, for longer than anybody waits."""
    time.sleep(2)
    handler.close_connection = True
    return True


def trickle(handler: Handler, _batch: Batch | None) -> bool:
    """Answer an octet at a time, never to the end."""
    handler.close_connection = True
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(200):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.02)
    except OSError:
        pass
    return True


def garbage(handler: Handler, batch: Batch | None) -> bool:
    """Store the batch and answer with something that is no acknowledgement."""
    assert batch is not None
    handler.server.collector.store(batch)
    handler.reply(200, b'{"accepted":true}')
    return True


def endless(handler: Handler, _batch: Batch | None) -> bool:
    """Answer more than anybody should read."""
    handler.reply(200, b" " * (5 * 2**20))
    return True
