"""Replace identity envelopes by pseudonyms.

No identity and no pseudonym is ever taken from a line as it is: `check_batch` has refused whatever
is not an envelope, `anonymous`, or a resource of a type that names no person.
"""

from collections.abc import Iterable, Iterator, Sequence
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
# Field -> for each event the envelope that stands there, or None.
_Columns = dict[str, list[Envelope | None]]


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
    columns = _columns(events)
    unknown: dict[tuple[str, str], Wanted] = {}
    for name, column in columns.items():
        _look_up(column, NAMESPACES[name], tenant, vault, found, unknown)
    lists = [event for event in events if event.resource_ids is not UNSET]
    for event in lists:
        _look_up(_items(event), "entity", tenant, vault, found, unknown)
    if unknown:
        answers = await vault.resolve(tenant, list(unknown.values()))
        for (namespace, lookup), pseudonym in zip(unknown, answers, strict=True):
            found[namespace][lookup] = pseudonym
    return _replace(events, columns, found)


def _columns(events: Sequence[Event]) -> _Columns:
    """Return the single-valued columns that hold an envelope at all."""
    columns: _Columns = {}
    for name in _SCALARS:
        column = list(map(attrgetter(name), events))
        if column.count(UNSET) < len(column):
            columns[name] = [value if isinstance(value, Envelope) else None for value in column]
    return columns


def _look_up(
    column: Iterable[Envelope | None],
    namespace: str,
    tenant: str,
    vault: Vault,
    found: _Found,
    unknown: dict[tuple[str, str], Wanted],
) -> None:
    """Add what is in memory to `found`, and the rest to `unknown`, each once."""
    young, old = vault.known(tenant, namespace)
    mine = found[namespace]
    for envelope in column:
        if envelope is None or envelope.l in mine:
            continue
        pseudonym = young.get(envelope.l) or old.get(envelope.l)
        if pseudonym is None:
            unknown[namespace, envelope.l] = Wanted(namespace, envelope)
        else:
            mine[envelope.l] = pseudonym


def _replace(events: Sequence[Event], columns: _Columns, found: _Found) -> dict[int, str]:
    refused: set[int] = set()
    for name, column in columns.items():
        mine = found[NAMESPACES[name]]
        for index, envelope in enumerate(column):
            if envelope is None:
                continue
            pseudonym = mine[envelope.l]
            if pseudonym is None:
                refused.add(index)
            else:
                setattr(events[index], name, _stored(envelope, pseudonym))
    for index, event in enumerate(events):
        if event.resource_ids is not UNSET and not _replace_items(event, found["entity"]):
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


def _items(event: Event) -> Iterator[Envelope]:
    return (item for item in event.resource_ids or () if isinstance(item, Envelope))
