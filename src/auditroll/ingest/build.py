"""From an entry of a foreign log to the line of a record: the schema decides what gets in."""

import hmac
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import msgspec

from auditroll.event import Event, format_time, uuid7
from auditroll.ingest.entry import Entry
from auditroll.ingest.hops import Proxies
from auditroll.ingest.identities import Identities
from auditroll.redact import clean_user_agent
from auditroll.wire import PayloadKey, ProducerCredential

__all__ = ["UNMATCHED", "Builder"]

# The route of a request whose template nobody told; never the path.
UNMATCHED: Final = "/{unmatched}"

# As capture has them: a probe reads nothing of the resource.
_ACTIONS: Final[Mapping[str, str]] = {
    "GET": "READ",
    "HEAD": "EXECUTE",
    "POST": "CREATE",
    "PUT": "UPDATE",
    "PATCH": "UPDATE",
    "DELETE": "DELETE",
    "OPTIONS": "EXECUTE",
    "TRACE": "EXECUTE",
    "CONNECT": "EXECUTE",
    "QUERY": "READ",
}
_MACHINE: Final = re.compile(
    r"bot\b|crawl|spider|curl/|wget/|python|java/|go-http|okhttp|kube-probe|health|monitor|libwww"
    r"|axios|node-fetch|postman|cloudfront|elb-|prometheus|zabbix|nagios|slurp|feed|http_client",
    re.IGNORECASE,
)
# nginx's own code for a client that went away before the answer.
_CLIENT_GONE: Final = 499

_ENCODE: Final = msgspec.json.Encoder(order="deterministic").encode


class Builder:
    """Makes the wire lines of one source.

    Args:
        credential: Whose records they are.
        service: The `service_name`.
        environment: The `environment`.
        proxies: Whose forwarded addresses are believed.
    """

    def __init__(
        self,
        credential: ProducerCredential,
        service: str,
        environment: str,
        proxies: Proxies,
    ) -> None:
        self._common = {
            "environment": environment,
            "event_type": "http.request",
            "service_name": service,
        }
        self._identities = Identities(credential)
        self._proxies = proxies
        self._path_ref = lru_cache(maxsize=16_384)(_path_hash(credential.payload_key))

    def line(self, entry: Entry, epoch: str, seq: int) -> bytes:
        """Return the canonical line of an entry, the same octets but for envelopes at each call.

        Args:
            entry: What the log says.
            epoch: Of the file.
            seq: Number of the line in it.

        Raises:
            Unreadable: `identity`.
        """
        # Ids of nothing but the place in the source, so that sending again gives the same.
        seed = sha256(f"auditroll/ingest/1\0{epoch}\0{seq}".encode()).digest()
        values: dict[str, Any] = {
            **self._common,
            "event_id": uuid7(entry.when, seed[:10]),
            "producer_epoch": epoch,
            "producer_seq": seq,
            "request_id": seed[16:].hex(),
            "timestamp": format_time(entry.when),
        }
        _add_request(values, entry)
        self._add_who(values, entry)
        if entry.target:
            values["path_ref"] = self._path_ref(entry.target)
            values["route"] = UNMATCHED
        if entry.dropped:
            values["dropped_fields"] = entry.dropped
        values.update(entry.fields)
        if entry.status or "outcome" not in entry.fields:
            values["outcome"] = outcome_of(entry.status)
        values["success"] = values["outcome"] == "ok"
        return _ENCODE(Event(**values))

    def _add_who(self, values: dict[str, Any], entry: Entry) -> None:
        values["actor_type"] = "human"
        if entry.agent:
            agent = clean_user_agent(entry.agent)
            if agent.text:
                values["user_agent"] = agent.text
            if agent.counts:
                values["redactions"] = agent.counts
            if _is_machine(agent.text):
                values["actor_type"] = "service"
        values["user_id"] = "anonymous"
        if entry.user:
            values["user_id"] = self._identities.envelope("user", entry.user)
        client = self._proxies.client(entry.hops)
        if client is not None:
            values["source_ip"] = self._identities.envelope("ip", client.text)
            values["source_net"] = client.net
        elif entry.hops:
            entry.dropped += 1


def _path_hash(key: PayloadKey) -> Callable[[str], str]:
    """Return what gives the keyed hash of a request target's path, as capture hashes it."""
    secret = bytes.fromhex(key.key)

    def path_ref(target: str) -> str:
        path = target.partition("?")[0].encode("utf-8", "surrogateescape")
        return f"hmac:{key.id}:{hmac.digest(secret, path, sha256).hex()}"

    return path_ref


@lru_cache(maxsize=4096)
def _is_machine(agent: str) -> bool:
    return _MACHINE.search(agent) is not None


def _add_request(values: dict[str, Any], entry: Entry) -> None:
    """Add method, action, status and sizes. A method needs a status to stand beside."""
    status = entry.status
    known = entry.method in _ACTIONS
    values["action_type"] = _ACTIONS[entry.method] if known else "EXECUTE"
    if entry.method and status:
        values["http_method"] = entry.method if known else "OTHER"
    if status:
        values["status_code"] = status
    if entry.bytes_out >= 0:
        values["bytes_out"] = entry.bytes_out
    if entry.latency_ms >= 0:
        values["latency_ms"] = entry.latency_ms


def outcome_of(status: int) -> str:
    """Return the outcome that a status tells; 0 stands for none.

    Source: format reference section 5.2, `outcome`: 401 and 403 are denied, no status of 400 and
    above is ok.
    """
    if not status:
        return "unknown"
    if status in {401, 403}:
        return "denied"
    if status == _CLIENT_GONE:
        return "aborted_client"
    return "ok" if status < 400 else "error"
