"""How the commands reach a running collector: the ready file, the token and the HTTP API."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson
import urllib3

from auditroll.errors import AccessError, CollectorError, Error, ProducerError

__all__ = ["Client", "ReadyFile", "add_connection", "connect"]

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 120.0
DEFAULT_READY_FILE = Path(".data/run/ready.json")


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a collector."""
    parser.add_argument(
        "--ready-file",
        type=Path,
        default=Path(os.environ.get("AUDITROLL_READY_FILE", DEFAULT_READY_FILE)),
        metavar="FILE",
        help="what `auditroll up` wrote when it served (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for machines")


class ReadyFile(msgspec.Struct, frozen=True):
    """What the commands need of the file that a running collector writes.

    Args:
        api_url: Base address, without a slash at its end.
        reader_token_file: Where the reader's token stands.
        producer_key_file: Where the local producer's credential stands.
    """

    api_url: str
    reader_token_file: Path
    producer_key_file: Path

    @classmethod
    def read(cls, path: Path) -> "ReadyFile":
        """Return the addresses and files of a running collector.

        Raises:
            CollectorError: `not-ready`: the file is absent or is not a ready file.
        """
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls, dec_hook=_path)
        except (OSError, msgspec.MsgspecError) as error:
            raise CollectorError(
                "not-ready",
                f"no running collector is described by {path}",
                hint="Start one with `auditroll up`, or name its file with --ready-file.",
            ) from error


def _path(_type: type, text: Any) -> Path:
    return Path(text)


def connect(arguments: argparse.Namespace) -> "Client":
    """Return a client for the collector that `--ready-file` describes, with the reader's token."""
    ready = ReadyFile.read(arguments.ready_file)
    return Client(ready.api_url, ready.reader_token_file.read_text(encoding="utf-8").strip())


class Client:
    """The HTTP API with a reader's token.

    Args:
        api_url: Base address, without a slash at its end.
        token: Bearer token of a reader.
    """

    def __init__(self, api_url: str, token: str) -> None:
        self._base = api_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S), retries=False
        )

    def get(self, path: str) -> Any:
        """Return the decoded JSON answer of a GET.

        Raises:
            Error: The collector refused, failed, or could not be reached.
        """
        return orjson.loads(self._request("GET", path).data)

    def text(self, path: str) -> str:
        """Return the text answer of a GET."""
        return self._request("GET", path).data.decode()

    def post(self, path: str, body: Any) -> Any:
        """Return the decoded JSON answer of a POST."""
        return orjson.loads(self._request("POST", path, orjson.dumps(body)).data)

    def stream(self, path: str) -> Iterator[bytes]:
        """Yield the body of a GET in pieces of at most 1 MiB.

        Raises:
            Error: The collector refused, or the answer ended early.
        """
        response = self._request("GET", path, preload=False)
        try:
            yield from response.stream(2**20)
        except urllib3.exceptions.HTTPError as error:
            raise CollectorError("incomplete", "the answer ended early") from error
        finally:
            response.release_conn()

    def _request(
        self, method: str, path: str, body: bytes | None = None, *, preload: bool = True
    ) -> urllib3.BaseHTTPResponse:
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        try:
            response = self._pool.request(
                method, self._base + path, body=body, headers=headers, preload_content=preload
            )
        except urllib3.exceptions.HTTPError as error:
            raise CollectorError(
                "unreachable",
                f"{self._base} does not answer",
                hint="Is `auditroll up` running there?",
            ) from error
        if response.status >= 400:
            raise _refused(response)
        return response


def _refused(response: urllib3.BaseHTTPResponse) -> Error:
    try:
        problem = orjson.loads(response.data)
        code, title = str(problem["code"]), str(problem["title"])
        hint = str(problem.get("detail", ""))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        code, title, hint = "http", f"the collector answered {response.status}", ""
    kind: type[Error]
    if response.status in {401, 403}:
        kind = AccessError
    else:
        kind = ProducerError if response.status < 500 else CollectorError
    return kind(code, title, hint=hint, status=response.status)
