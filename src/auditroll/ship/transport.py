"""One exchange with the collector, bounded in time and memory whatever the other side does."""

import contextlib
import http.client
import os
import socket
import ssl
import threading
from collections.abc import Generator, Mapping
from typing import Final, NamedTuple

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from auditroll.errors import CollectorError, PolicyError
from auditroll.ship.tuning import Tuning
from auditroll.wire import ProducerCredential

__all__ = ["Reply", "Transport"]

# An answer names each line of a batch at most once: 5,000 lines fit many times.
MAX_REPLY_OCTETS: Final = 4 * 2**20
_FAILURES: Final = (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError, ValueError)


class Reply(NamedTuple):
    """What the collector answered.

    Args:
        status: HTTP status.
        body: Octets of the answer.
        retry_after: The header, empty when absent.
    """

    status: int
    body: bytes
    retry_after: str


class Transport:
    """A connection to one collector, kept open between exchanges; for one thread.

    Args:
        credential: Address, key and trusted certificates.
        tuning: Times.

    Raises:
        PolicyError: `insecure-collector`: the key would cross a network in clear.
            `bad-credential`: the address or the certificates are none.
    """

    def __init__(self, credential: ProducerCredential, tuning: Tuning) -> None:
        self._tuning = tuning
        self._headers = {
            "Authorization": f"Bearer {credential.key}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "auditroll",
        }
        self._address = credential.address()
        self._tls = _tls(credential.ca_file) if self._address.secure else None
        self._connection: HTTPConnection | None = None

    def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a batch.

        Raises:
            CollectorError: `collector-unreachable`: there was no whole answer in time; whether
                the batch was stored is not known.
        """
        return self._exchange("POST", path, {**headers, **self._headers}, body)

    def get(self, path: str) -> Reply:
        """Ask.

        Raises:
            CollectorError: `collector-unreachable`.
        """
        return self._exchange("GET", path, self._headers, None)

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.close()

    def _exchange(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Reply:
        kept_open = self._connection is not None
        try:
            return self._try(method, path, headers, body)
        except http.client.RemoteDisconnected:
            # A connection that was idle too long says so only now; a new one decides.
            if not kept_open:
                raise _unreachable("it closed the connection") from None
        try:
            return self._try(method, path, headers, body)
        except http.client.RemoteDisconnected:
            raise _unreachable("it closed the connection") from None

    def _try(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        deadline = _Deadline(self._tuning.deadline_s)
        try:
            connection = self._connected()
            with deadline.over(connection.sock):
                connection.request(
                    method,
                    self._address.path + path,
                    body=body,
                    headers=headers,
                    preload_content=False,
                    decode_content=False,
                )
                response = connection.getresponse()
                octets = response.read(MAX_REPLY_OCTETS + 1)
        except _FAILURES as error:
            self.close()
            if isinstance(error, http.client.RemoteDisconnected) and not deadline.passed:
                raise
            raise _unreachable("no answer in time" if deadline.passed else _kind(error)) from error
        if deadline.passed or len(octets) > MAX_REPLY_OCTETS:
            self.close()
            raise _unreachable("no answer in time" if deadline.passed else "too long an answer")
        if response.headers.get("Connection", "").lower() == "close" or response.status >= 500:
            self.close()
        return Reply(response.status, octets, response.headers.get("Retry-After", ""))

    def _connected(self) -> HTTPConnection:
        connection = self._connection
        if connection is None:
            host, port, connect_s = *self._address[:2], self._tuning.connect_s
            if self._tls is None:
                connection = HTTPConnection(host, port, timeout=connect_s)
            else:
                connection = HTTPSConnection(host, port, timeout=connect_s, ssl_context=self._tls)
            connection.connect()
            connection.sock.settimeout(self._tuning.read_s)
            connection.timeout = self._tuning.read_s
            self._connection = connection
        return connection


class _Deadline:
    """Ends an exchange from outside: an octet a second satisfies every other time-out."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.passed = False

    @contextlib.contextmanager
    def over(self, sock: socket.socket) -> Generator[None]:
        timer = threading.Timer(self._seconds, self._end, (sock,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _end(self, sock: socket.socket) -> None:
        self.passed = True
        with contextlib.suppress(OSError):
            # The method of a TLS socket would change it under the thread that reads it.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _unreachable(why: str) -> CollectorError:
    return CollectorError("collector-unreachable", f"the collector did not answer: {why}")


def _kind(error: BaseException) -> str:
    """Return what went wrong without what an error text may repeat of the exchange."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if isinstance(number, int) and number > 0 else type(error).__name__


def _tls(ca_file: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise PolicyError(
            "bad-credential",
            "the certificates in ca_file cannot be read",
            hint="Name a PEM file with the certificate authority of the collector.",
        ) from error
    # Source: format reference, section 11.
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
