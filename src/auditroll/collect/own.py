"""The collector's own events: who signed in, searched, exported, changed a setting.

They take the way of every other producer's records, into the tenant's class `system`, and are
durable before the action's answer leaves; so they need neither spool nor heartbeat.

Source: SOC 2 CC7.2; 45 CFR 164.312(b): the audit system is itself audited.
"""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from auditroll.access import OWN_PRODUCER, Control, Principal, Producer, Role
from auditroll.clock import now_ms
from auditroll.collect.collector import Collector
from auditroll.collect.delivery import Delivery
from auditroll.collect.identities import ANONYMOUS
from auditroll.collect.lines import encode_event
from auditroll.errors import CollectorError
from auditroll.event import Envelope, Event, format_time, request_id, uuid7
from auditroll.vault.assign import Keyring, Use
from auditroll.wire.envelope import LookupKey, seal_identity

__all__ = ["OwnEvents"]

RANDOM_OCTETS = 16


class OwnEvents:
    """Records what people do with this collector.

    Args:
        collector: Takes the events.
        control: Knows accounts and tenants.
        keyring: Keys for the envelopes of people and addresses.
    """

    def __init__(self, collector: Collector, control: Control, keyring: Keyring) -> None:
        self._collector = collector
        self._control = control
        self._keyring = keyring
        self._writers: dict[str, _Writer] = {}

    async def record(
        self,
        principal: Principal,
        event_type: str,
        action_type: str,
        *,
        resource: str | None = None,
        address: str | None = None,
        **fields: Any,
    ) -> None:
        """Record what `principal` did; durable when this returns.

        Args:
            principal: Who acts.
            event_type: Such as `audit.search`.
            action_type: READ, CREATE, UPDATE, DELETE, EXPORT or EXECUTE.
            resource: Type of what was acted on.
            address: The client's address in RFC 5952 form.
            fields: Further fields of the record, such as `resource_count` or `outcome`.

        Raises:
            CollectorError: The record is not in the log; the action must not go on.
        """
        tenant = principal.tenant
        known = {
            "actor_type": "service" if principal.role is Role.PRODUCER else "human",
            "user_id": self._envelope(tenant, "user", principal.name),
            "user_role": str(principal.role),
            "auth_method": principal.auth_method,
        }
        what = {"event_type": event_type, "action_type": action_type}
        await self._insert(tenant, known | what | self._where(tenant, resource, address) | fields)

    async def login_failed(self, name: str, code: str, *, address: str | None = None) -> None:
        """Record a refused attempt to sign in.

        A name that no account has may be anything, a password too: it is not kept.

        Args:
            name: As typed.
            code: Why it was refused.
            address: The client's address in RFC 5952 form.

        Raises:
            CollectorError: The record is not in the log.
        """
        account = self._control.accounts.find(name)
        tenants = [tenant.tenant for tenant in self._control.tenants.list()]
        tenant = account.tenant if account is not None else tenants[0]
        who = ANONYMOUS if account is None else self._envelope(tenant, "user", name)
        what = {
            "event_type": "auth.login",
            "action_type": "EXECUTE",
            "actor_type": "human",
            "auth_method": "password",
            "user_id": who,
            "outcome": "denied",
            "error_code": code,
        }
        await self._insert(tenant, what | self._where(tenant, "session", address))

    def _where(self, tenant: str, resource: str | None, address: str | None) -> dict[str, Any]:
        return {
            "resource_type": UNSET if resource is None else resource,
            "source_ip": UNSET if address is None else self._envelope(tenant, "ip", address),
        }

    async def _insert(self, tenant: str, fields: Mapping[str, Any]) -> None:
        writer = self._writers.get(tenant)
        if writer is None:
            writer = self._writers[tenant] = _Writer(self._collector, tenant)
        await writer.insert(fields)

    def _envelope(self, tenant: str, namespace: str, identity: str) -> Envelope:
        self._keyring.provision(tenant)
        epoch_id, public = self._keyring.epoch_public(tenant)
        return seal_identity(
            public,
            epoch_id,
            LookupKey(self._keyring.current(tenant, Use.LOOKUP).octets),
            tenant,
            namespace,
            identity,
        )


class _Writer:
    """One epoch of the producer `auditroll` in one tenant.

    Numbers rise by one for each event the log has; a failed event's number is used again.
    """

    def __init__(self, collector: Collector, tenant: str) -> None:
        self._collector = collector
        self._producer = Producer(
            producer=OWN_PRODUCER, tenant=tenant, services=frozenset({OWN_PRODUCER})
        )
        self._epoch = secrets.token_hex(RANDOM_OCTETS)
        self._next = 0
        self._lock = asyncio.Lock()

    async def insert(self, fields: Mapping[str, Any]) -> None:
        async with self._lock:
            event = _event(fields, self._epoch, self._next)
            delivery = Delivery(self._epoch, self._next, 1, encode_event(event) + b"\n")
            answer = await self._collector.insert(self._producer, delivery)
            self._next += 1
        if answer.accepted != 1:
            raise CollectorError(
                "own-event-refused",
                "the collector's own record was refused",
                hint="This is a defect of auditroll; the action was not carried out.",
                status=500,
            )


def _event(fields: Mapping[str, Any], epoch: str, seq: int) -> Event:
    now = now_ms()
    outcome = fields.get("outcome", "ok")
    given: dict[str, Any] = {
        "event_id": uuid7(now, secrets.token_bytes(RANDOM_OCTETS)),
        "timestamp": format_time(now),
        "producer_epoch": epoch,
        "producer_seq": seq,
        "service_name": OWN_PRODUCER,
        "environment": "production",
        "request_id": request_id(secrets.token_bytes(RANDOM_OCTETS)),
        "outcome": outcome,
        "success": outcome == "ok",
        **fields,
    }
    return Event(**given)
