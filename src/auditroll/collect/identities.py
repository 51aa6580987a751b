"""Replace identity envelopes by pseudonyms.

No identity and no pseudonym is ever taken from a line as it is: `check_batch` refuses whatever is
not an envelope, `anonymous`, or a resource of a type that names no person.
"""

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from msgspec import UNSET, UnsetType

from auditroll.event import FIELDS, Envelope, Event
from auditroll.vault.assign import Vault, Wanted

__all__ = ["ANONYMOUS", "Known", "assign_pseudonyms", "recognise"]

ANONYMOUS = "anonymous"
# Fields whose stored value is a pseudonym, or may be, and the namespace of the identity.
NAMESPACES: dict[str, str] = {name: spec.identity for name, spec in FIELDS.items() if spec.identity}
_SCALARS = {name: namespace for name, namespace in NAMESPACES.items() if name != "resource_ids"}

# Namespace and lookup -> pseudonym, None where the vault refused the envelope.
_Answers = dict[tuple[str, str], str | None]


Known = tuple[Event, str, str]
"""An event, a field of it, and the value that will stand there."""


def recognise(events: Sequence[Event], tenant: str, vault: Vault) -> list[Known]:
    """Find the envelopes whose pseudonym is in memory.

    Of such an envelope only the lookup and the type matter any more. A stand-in takes its place,
    so that the checks of a batch meet one envelope where hundreds stood.

    Args:
        events: As decoded; changed in place.
        tenant: From the producer's credential.
        vault: Of this installation.

    Returns:
        What `assign_pseudonyms` puts in the stand-ins' places.
    """
    known: list[Known] = []
    stand_ins: dict[str | UnsetType, Envelope] = {}
    for name, namespace in _SCALARS.items():
        column = list(map(attrgetter(name), events))
        if column.count(UNSET) == len(column):
            continue
        young, old = vault.known(tenant, namespace)
        for event, value in zip(events, column, strict=True):
            if not isinstance(value, Envelope):
                continue
            pseudonym = young.get(value.l) or old.get(value.l)
            if pseudonym is not None:
                stand_in = stand_ins.get(value.t) or stand_ins.setdefault(
                    value.t, Envelope(c="A" * 64, e="known", l="0" * 64, t=value.t)
                )
                known.append((event, name, _stored(value, pseudonym)))
                setattr(event, name, stand_in)
    return known


async def assign_pseudonyms(
    events: Sequence[Event], known: Sequence[Known], tenant: str, vault: Vault
) -> dict[int, str]:
    """Replace every envelope in `events`; what is new is durable in the vault on return.

    Args:
        events: Valid ones; changed in place.
        known: From `recognise`.
        tenant: From the producer's credential.
        vault: Of this installation.

    Returns:
        Index to code, `identity`, of events with an envelope that the vault refused; they are
        changed in part and must be dropped.

    Raises:
        CollectorError: `vault-unavailable` or `key-unknown`.
    """
    for event, name, value in known:
        setattr(event, name, value)
    with_unknown = [(index, event) for index, event in enumerate(events) if _has_envelope(event)]
    if not with_unknown:
        return {}
    answers = await _ask((event for _, event in with_unknown), tenant, vault)
    return {index: "identity" for index, event in with_unknown if not _replace(event, answers)}


async def _ask(events: Iterable[Event], tenant: str, vault: Vault) -> _Answers:
    """Return the pseudonym of each envelope in `events`: from memory, or from the vault."""
    views = {name: vault.known(tenant, name) for name in sorted(set(NAMESPACES.values()))}
    answers: _Answers = {}
    unknown: dict[tuple[str, str], Wanted] = {}
    for event in events:
        for one in _wanted(event):
            key = (one.namespace, one.envelope.l)
            pseudonym = views[one.namespace].get(one.envelope.l)
            if pseudonym is None:
                unknown[key] = one
            else:
                answers[key] = pseudonym
    if unknown:
        pseudonyms = await vault.resolve(tenant, list(unknown.values()))
        answers |= zip(unknown, pseudonyms, strict=True)
    return answers


def _has_envelope(event: Event) -> bool:
    return (
        isinstance(event.user_id, Envelope)
        or isinstance(event.resource_id, Envelope)
        or isinstance(event.source_ip, Envelope)
        or isinstance(event.subject_id, Envelope)
        or isinstance(event.on_behalf_of, Envelope)
        or event.resource_ids is not UNSET
    )


def _wanted(event: Event) -> Iterator[Wanted]:
    for name, namespace in _SCALARS.items():
        value = getattr(event, name)
        if isinstance(value, Envelope):
            yield Wanted(namespace, value)
    for item in event.resource_ids or ():
        if isinstance(item, Envelope):
            yield Wanted("entity", item)


def _replace(event: Event, answers: _Answers) -> bool:
    """Put pseudonyms in an event; tell whether the vault took all its envelopes."""
    if any(answers[one.namespace, one.envelope.l] is None for one in _wanted(event)):
        return False
    for name, namespace in _SCALARS.items():
        value = getattr(event, name)
        if isinstance(value, Envelope):
            setattr(event, name, _stored(value, answers[namespace, value.l]))
    if event.resource_ids is not UNSET:
        event.resource_ids = [
            _stored(item, answers["entity", item.l]) if isinstance(item, Envelope) else item
            for item in event.resource_ids
        ]
    return True


def _stored(envelope: Envelope, pseudonym: str | None) -> str:
    return f"{pseudonym}" if envelope.t is UNSET else f"{envelope.t}:{pseudonym}"
