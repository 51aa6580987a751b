"""Rules of the producer's credential and of its tenant, applied to the events of a batch."""

from collections.abc import Sequence
from operator import attrgetter

from msgspec import UNSET

from auditroll.access import Producer, Tenant
from auditroll.event import Event

__all__ = [
    "DEFAULT_CLASS",
    "SYSTEM_CLASS",
    "data_class",
    "drop_unregistered",
    "foreign_services",
    "wrong_places",
]

DEFAULT_CLASS = "standard"
SYSTEM_CLASS = "system"


def wrong_places(events: Sequence[Event], epoch: str, seqs: Sequence[int]) -> dict[int, str]:
    """Return events that claim another place than their batch and line give them.

    Args:
        events: As decoded.
        epoch: Of the batch.
        seqs: The number of each event's line.

    Returns:
        Index to code, `seq`.
    """
    return {
        index: "seq"
        for index, (event, seq) in enumerate(zip(events, seqs, strict=True))
        if event.producer_seq != seq or event.producer_epoch != epoch
    }


def foreign_services(events: Sequence[Event], producer: Producer) -> dict[int, str]:
    """Return events of services that the credential does not name.

    Args:
        events: Valid ones.
        producer: Whose credential was shown.

    Returns:
        Index to code, `consistency`.
    """
    services = {str(event.service_name) for event in events}
    foreign = {name for name in services if not producer.may_write_for(name)}
    if not foreign:
        return {}
    names = map(attrgetter("service_name"), events)
    return {index: "consistency" for index, name in enumerate(names) if name in foreign}


def drop_unregistered(events: Sequence[Event], tenant: Tenant) -> None:
    """Drop and count keys of `ext` that the tenant did not register.

    Args:
        events: Changed in place.
        tenant: Of the producer.

    Source: docs/reference/format.md section 5: unknown fields are dropped and counted.
    """
    for event in events:
        if event.ext is UNSET:
            continue
        kept = {name: value for name, value in event.ext.items() if name in tenant.ext_fields}
        dropped = len(event.ext) - len(kept)
        if dropped:
            before = 0 if event.dropped_fields is UNSET else event.dropped_fields
            event.dropped_fields = before + dropped
            event.ext = kept or UNSET


def data_class(event_type: str, tenant: Tenant, *, own: bool) -> str:
    """Return the class, and with it the stream, of an event.

    Args:
        event_type: Of the event.
        tenant: Whose policy applies.
        own: The event is about this collector.

    Source: docs/reference/format.md section 6: producer.* go to the class `system`.
    """
    if own or event_type.startswith("producer."):
        return SYSTEM_CLASS
    return tenant.data_classes.get(event_type, DEFAULT_CLASS)
