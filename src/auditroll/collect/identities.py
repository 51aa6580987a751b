"""Replace identity envelopes by pseudonyms.

No identity and no pseudonym is ever taken from a line as it is: `check_batch` has refused whatever
is not an envelope, `anonymous`, or a resource of a type that names no person.
"""

from collections.abc import Iterator, Sequence
from operator import attrgetter

from msgspec import UNSET

from auditroll.event import FIELDS, Envelope, Event
from auditroll.vault.assign import Vault, Wanted

__all__ = ["ANONYMOUS", "assign_pseudonyms"]

ANONYMOUS = "anonymous"
# Fields whose stored value is a pseudonym, or may be, and the namespace of the identity.
NAMESPACES = {name: spec.identity for name, spec in FIELDS.items() if spec.identity}
_SCALARS = tuple(name for name in NAMESPACES if name != "resource_ids")

# Namespace -> lookup -> pseudonym, None where the vault refused the envelope.
_Found = dict[str, dict[str, str | None]]


async def assign_pseudonyms(events: Sequence[Event], tenant: str, vault: Vault) -> dict[int, str]:
    """Replace every envelope in `events`; what is new is durable in the vault on return.

    Args:
        events: Valid ones; changed in place.
        tenant: From the producer's credential.
        vault: Of this installation.

    Returns:
        Index to code, `identity`, of events with an envelope that the vault refused; they are
        changed in part and must be dropped.

    Raises:
        CollectorError: `vault-unavailable` or `key-unknown`.
    """
    found: _Found = {"user": {}, "ip": {}, "entity": {}}
    unknown = _look_up(events, tenant, vault, found)
    if unknown:
        answers = await vault.resolve(tenant, unknown)
        for one, pseudonym in zip(unknown, answers, strict=True):
            found[one.namespace][one.envelope.l] = pseudonym
    return _replace(events, found)


def _look_up(events: Sequence[Event], tenant: str, vault: Vault, found: _Found) -> list[Wanted]:
    """Fill `found` from memory and return the identities that are not there, each once."""
    unknown: dict[tuple[str, str], Wanted] = {}
    for name, namespace in NAMESPACES.items():
        young, old = vault.known(tenant, namespace)
        mine = found[namespace]
        for envelope in _envelopes(events, name):
            lookup = envelope.l
            pseudonym = young.get(lookup) or old.get(lookup)
            if pseudonym is None:
                unknown[namespace, lookup] = Wanted(namespace, envelope)
            else:
                mine[lookup] = pseudonym
    return list(unknown.values())


def _replace(events: Sequence[Event], found: _Found) -> dict[int, str]:
    refused: set[int] = set()
    for name in _SCALARS:
        mine = found[NAMESPACES[name]]
        for index, value in enumerate(map(attrgetter(name), events)):
            if isinstance(value, Envelope):
                pseudonym = mine[value.l]
                if pseudonym is None:
                    refused.add(index)
                else:
                    setattr(events[index], name, _stored(value, pseudonym))
    mine = found["entity"]
    for index, event in enumerate(events):
        if event.resource_ids is not UNSET and not _replace_items(event, mine):
            refused.add(index)
    return dict.fromkeys(sorted(refused), "identity")


def _replace_items(event: Event, found: dict[str, str | None]) -> bool:
    """Replace the envelopes of a list; tell whether the vault took them all."""
    stored: list[str | Envelope] = []
    for item in event.resource_ids or ():
        if isinstance(item, Envelope):
            pseudonym = found[item.l]
            if pseudonym is None:
                return False
            stored.append(_stored(item, pseudonym))
        else:
            stored.append(item)
    event.resource_ids = stored
    return True


def _stored(envelope: Envelope, pseudonym: str) -> str:
    return pseudonym if envelope.t is UNSET else f"{envelope.t}:{pseudonym}"


def _envelopes(events: Sequence[Event], name: str) -> Iterator[Envelope]:
    column = map(attrgetter(name), events)
    if name != "resource_ids":
        return (value for value in column if isinstance(value, Envelope))
    lists = (value for value in column if value is not UNSET)
    return (item for items in lists for item in items if isinstance(item, Envelope))
