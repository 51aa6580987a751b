"""The collector over HTTP: batches with endless patience for its absence, none for a refusal."""

import secrets
import threading
from typing import Any, Final

import msgspec
import orjson
import urllib3

from auditroll.errors import AccessError, CollectorError, ProducerError
from auditroll.wire import Answer, ProducerCredential, decode_answer

__all__ = ["CollectorPort", "EpochPlace", "OutOfOrder"]

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 60.0
FIRST_WAIT_S: Final = 0.1
LONGEST_WAIT_S: Final = 10.0
# Refusals that pass: too many requests, and every failure of the other side.
_RETRIED: Final = frozenset((408, 425, 429, 500, 502, 503, 504))


class EpochPlace(msgspec.Struct, frozen=True):
    """How far the collector has an epoch.

    Args:
        durable_through: Highest number with no hole below, -1 if there is none.
        prefix_sha256: Of the file up to that line.
        closed: No line will be taken any more.
    """

    durable_through: int
    prefix_sha256: str = ""
    closed: bool = False


class OutOfOrder(Exception):
    """The collector lacks a line before the first of the batch."""


class CollectorPort:
    """Sends to one collector.

    Args:
        credential: Address, key and certificate authority.
        patience_s: How long the collector may be away before that counts as failure.
    """

    def __init__(self, credential: ProducerCredential, patience_s: float) -> None:
        self._base = credential.collector_url.rstrip("/")
        self._patience_s = patience_s
        self._given_up = threading.Event()
        self._key = {"Authorization": f"Bearer {credential.key}"}
        tls: dict[str, Any] = {"ca_certs": credential.ca_file} if credential.ca_file else {}
        self._pool = urllib3.PoolManager(
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
            **tls,
        )

    def place(self, epoch: str) -> EpochPlace:
        """Return how far the collector has an epoch.

        Raises:
            AccessError, ProducerError, CollectorError: As `send`.
        """
        octets = self._until_answered("GET", f"/v1/producers/self/epochs/{epoch}", {}, None)
        try:
            return msgspec.json.decode(octets, type=EpochPlace)
        except msgspec.DecodeError:
            raise CollectorError("bad-answer", "the collector's answer has another form") from None

    def send(self, headers: dict[str, str], body: bytes) -> Answer:
        """Send one batch until it is acknowledged.

        Raises:
            OutOfOrder: Lines before it are missing there.
            AccessError: `unauthenticated`: the credential is not accepted.
            ProducerError: `collector-refused`: sending it again would be refused again.
            CollectorError: `collector-unreachable`: it was away longer than the patience.
        """
        return decode_answer(self._until_answered("POST", "/v1/events", headers, body))

    def close(self) -> None:
        """Give up what is under way, and close the connections."""
        self._given_up.set()
        self._pool.clear()

    def _until_answered(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None
    ) -> bytes:
        waited = 0.0
        attempt = 0
        while True:
            status, octets, retry_after = self._once(method, path, headers, body)
            if status == 200:
                return octets
            if status and status not in _RETRIED:
                raise _refusal(status, octets)
            if waited >= self._patience_s or self._given_up.is_set():
                raise CollectorError(
                    "collector-unreachable",
                    "the collector did not take the lines in time",
                    hint="Nothing is lost: start the same command again and it goes on there.",
                )
            pause = _pause(attempt, retry_after)
            self._given_up.wait(pause)
            waited += max(pause, FIRST_WAIT_S)
            attempt += 1

    def _once(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[int, bytes, str]:
        """Return status, body and Retry-After of one try; status 0 if there was no answer."""
        try:
            response = self._pool.request(
                method, self._base + path, headers=headers | self._key, body=body
            )
        except urllib3.exceptions.HTTPError:
            return 0, b"", ""
        return response.status, response.data, response.headers.get("Retry-After", "")


def _pause(attempt: int, retry_after: str) -> float:
    """Return how long to wait: what was asked for, or a random share of a doubling time."""
    if retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after), LONGEST_WAIT_S * 6)
    most = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(attempt, 10))
    return secrets.SystemRandom().uniform(0, most)


def _refusal(status: int, octets: bytes) -> Exception:
    code = _code_of(octets)
    if status == 409 and code == "seq-gap":
        return OutOfOrder()
    if status in {401, 403}:
        return AccessError(
            "unauthenticated",
            f"the collector does not accept the credential: {code}",
            hint="Use a credential that is not revoked or expired.",
            status=status,
        )
    return ProducerError(
        "collector-refused",
        f"the collector refused the batch: {code}",
        hint="Sending it again changes nothing; see the code in docs/reference/errors.md.",
        status=status,
    )


def _code_of(octets: bytes) -> str:
    try:
        problem = orjson.loads(octets)
    except orjson.JSONDecodeError:
        return "unknown"
    return str(problem.get("code", "unknown"))[:64] if isinstance(problem, dict) else "unknown"  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
