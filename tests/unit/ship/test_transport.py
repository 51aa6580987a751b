"""One exchange: over TLS 1.3 with a certificate that is checked, or not at all."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from auditroll.errors import CollectorError, PolicyError
from auditroll.ship.backoff import Backoff, retry_after_s
from auditroll.ship.transport import Transport
from auditroll.wire import encode_batch
from tests.unit.recorder.support import CREDENTIAL
from tests.unit.ship.collector import FakeCollector, reset
from tests.unit.ship.conftest import QUICK

EPOCH = "0123456789abcdef0123456789abcdef"


def certificate(folder: Path, name: str) -> Path:
    """Write a self-signed certificate for 127.0.0.1 with its key, and return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return certificate(tmp_path, "own")


@pytest.fixture
def context(own: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)
    return context


@pytest.fixture
def secure(context: ssl.SSLContext) -> Iterator[FakeCollector]:
    collector = FakeCollector()
    server = collector._server
    server.socket = context.wrap_socket(server.socket, server_side=True)
    yield collector
    collector.close()


def transport_to(url: str, ca_file: Path | None = None) -> Transport:
    credential = msgspec.structs.replace(
        CREDENTIAL, collector_url=url, ca_file=str(ca_file) if ca_file else ""
    )
    return Transport(credential, QUICK)


def post(transport: Transport) -> int:
    return transport.post("/v1/events", *encode_batch([b"{}"], EPOCH, 0)).status


def test_a_batch_over_tls(secure: FakeCollector, own: Path) -> None:
    transport = transport_to(secure.url.replace("http:", "https:"), own)
    assert post(transport) == 200
    assert post(transport) == 200
    transport.close()


def test_a_certificate_of_somebody_else_is_refused(secure: FakeCollector, tmp_path: Path) -> None:
    url = secure.url.replace("http:", "https:")
    for ca_file in (certificate(tmp_path, "other"), None):
        with pytest.raises(CollectorError) as refused:
            post(transport_to(url, ca_file))
        assert refused.value.code == "collector-unreachable"
    assert secure.exchanges == 0


def test_older_protocols_are_refused(
    secure: FakeCollector, own: Path, context: ssl.SSLContext
) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(CollectorError):
        post(transport_to(secure.url.replace("http:", "https:"), own))
    assert secure.exchanges == 0


def test_certificates_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("nothing")
    for ca_file in (tmp_path / "no.pem", tmp_path / "gone.pem"):
        with pytest.raises(PolicyError) as refused:
            transport_to("https://127.0.0.1", ca_file)
        assert refused.value.code == "bad-credential"


def test_a_connection_that_was_idle_too_long_is_replaced(collector: FakeCollector) -> None:
    transport = transport_to(collector.url)
    assert post(transport) == 200
    assert transport._connection is not None
    # The server's end goes while nothing is under way; what it may still say comes too late.
    collector.faults = [lambda _handler, _batch: time.sleep(0.3)]
    transport._connection.sock.shutdown(socket.SHUT_RD)
    assert post(transport) == 200
    transport.close()


def test_a_reset_is_no_answer(collector: FakeCollector) -> None:
    def fault(handler: object, _batch: object) -> bool:
        reset(handler)  # type: ignore[arg-type]
        return True

    collector.faults = [fault] * 2
    transport = transport_to(collector.url)
    for _ in range(2):
        with pytest.raises(CollectorError):
            post(transport)
    assert post(transport) == 200
    transport.close()
    transport.close()


def test_a_server_that_hangs_up_at_once() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.recv(65536)
            connection.close()

    threading.Thread(target=hang_up, daemon=True).start()
    transport = transport_to(f"http://127.0.0.1:{listener.getsockname()[1]}")
    with pytest.raises(CollectorError) as refused:
        post(transport)
    assert refused.value.code == "collector-unreachable"
    listener.close()


def test_the_key_is_in_no_error(collector: FakeCollector) -> None:
    collector.close()
    with pytest.raises(CollectorError) as refused:
        post(transport_to(collector.url))
    assert CREDENTIAL.key not in refused.value.diagnostics()
    assert CREDENTIAL.key not in str(refused.value.__cause__)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0),
        ("7", 7),
        (" 7 ", 7),
        ("-1", 0),
        ("1.5", 0),
        ("soon", 0),
        ("\u0667", 0),
        ("9" * 40, 999_999_999),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
    ],
)
def test_retry_after(header: str, seconds: float) -> None:
    assert retry_after_s(header) == seconds


def test_a_date_in_the_future_is_waited_for() -> None:
    assert retry_after_s("Fri, 31 Dec 2100 23:59:59 GMT") > 1e9


def test_waits_double_are_random_and_bounded() -> None:
    backoff = Backoff(QUICK)
    for _ in range(2000):
        backoff.fail()
        assert 0 <= backoff.left_s() <= QUICK.longest_wait_s
    backoff.fail(asked_s=1e12)
    assert backoff.left_s() <= QUICK.retry_after_s + QUICK.longest_wait_s
    backoff.succeed()
    assert (backoff.failures, backoff.left_s()) == (0, 0)
