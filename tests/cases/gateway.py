"""A network between producer and collector that fails on demand."""

import contextlib
import socket
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

__all__ = ["Gateway", "Mode", "drip", "lose_answer", "refuse", "silence", "through"]

Mode = Callable[["Exchange"], None]
PAUSE_S = 1.0


class Gateway:
    """Takes requests for a collector and treats them as `mode` says.

    Args:
        target: The collector's address, with scheme.
    """

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.mode: Mode = through
        self.met = threading.Event()
        self.ended = threading.Event()
        self.batches: list[tuple[int, int]] = []
        self._server = _Server(("127.0.0.1", 0), Exchange)
        self._server.gateway = self
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fail(self, mode: Mode) -> None:
        """Treat everything as `mode` does from now on; `met` says that something was."""
        self.met.clear()
        self.mode = mode

    def heal(self) -> None:
        """Be a network again."""
        self.mode = through

    def close(self) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    gateway: Gateway

    def handle_error(self, request: object, client_address: object) -> None:
        """Connections that break are what this is for."""


class Exchange(BaseHTTPRequestHandler):
    """One request of the producer."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._treat()

    def do_POST(self) -> None:
        self._treat()

    def _treat(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        gateway = self.server.gateway
        mode = gateway.mode
        if mode is not through:
            gateway.met.set()
        mode(self)

    def forward(self) -> tuple[int, bytes]:
        """Let the collector answer."""
        gateway = self.server.gateway
        connection = HTTPConnection(gateway.target.hostname or "", gateway.target.port)
        with contextlib.closing(connection):
            headers = {name: value for name, value in self.headers.items() if name != "Host"}
            connection.request(self.command, self.path, self.body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def through(exchange: Exchange) -> None:
    """Pass on request and answer."""
    exchange.reply(*exchange.forward())


def silence(exchange: Exchange) -> None:
    """Take everything and say nothing until the producer gives up: packets are dropped."""
    exchange.close_connection = True
    exchange.connection.settimeout(PAUSE_S)
    with contextlib.suppress(OSError):
        while not exchange.server.gateway.ended.is_set():
            try:
                if not exchange.connection.recv(1, socket.MSG_PEEK):
                    return
            except TimeoutError:
                continue


def drip(exchange: Exchange) -> None:
    """Pass the request on, and answer one octet a second."""
    exchange.close_connection = True
    status, body = exchange.forward()
    answer = f"HTTP/1.1 {status} OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    with contextlib.suppress(OSError):
        for octet in answer:
            exchange.connection.sendall(bytes([octet]))
            if exchange.server.gateway.ended.wait(PAUSE_S):
                return


def refuse(exchange: Exchange) -> None:
    """Answer 500."""
    exchange.reply(500, b"<html>no</html>")


def lose_answer(exchange: Exchange) -> None:
    """Pass the request on, let the collector commit it, and lose what it says."""
    exchange.forward()
    exchange.close_connection = True
    with contextlib.suppress(OSError):
        exchange.connection.shutdown(socket.SHUT_RDWR)
