"""One event while it is built, and how each field gets into it."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import UNSET

from auditroll.event import FIELDS, Envelope, Registry
from auditroll.event.check import ALIASES, fits
from auditroll.event.fields import ENVELOPE_FIELDS, PRODUCER_FACT_FIELDS
from auditroll.recorder.identity import Identities, KeyedHash, shortened
from auditroll.redact import clean_user_agent, redact_value
from auditroll.wire import ProducerCredential

__all__ = ["ANONYMOUS", "Draft", "Fields"]

ANONYMOUS: Final = "anonymous"
MAX_REMEMBERED: Final = 4096
MAX_REMEMBERED_IDENTITIES: Final = 20_000
_MAX_IDS: Final = FIELDS["resource_ids"].most
# The recorder's own, whatever a caller says.
_OWN: Final = frozenset(
    {"producer_epoch", "producer_seq", "event_id", "service_name", "environment"}
)
# Ids so plain that no detector has anything to say of them; others are looked at.
_PLAIN_ID: Final = re.compile(
    "[a-z][a-z0-9_]{0,31}:(?:[A-Za-z0-9]{1,8}"
    "|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
)


class Draft:
    """What one event has so far.

    Args:
        values: Fields of the record.
    """

    __slots__ = ("cut", "dropped", "redactions", "values")

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.dropped = 0
        self.redactions: dict[str, int] = {}
        self.cut: dict[str, str] = {}

    def count(self, found: Mapping[str, int]) -> None:
        """Add to what was redacted, by kind."""
        for kind, number in found.items():
            self.redactions[kind] = self.redactions.get(kind, 0) + number


Taker = Callable[[Draft, str, Any], bool]
"""Puts a value into a draft, or returns False: it may not stand in a record."""


class Fields:
    """The allow-list: which fields an event may have, and what may stand in each.

    Args:
        credential: Its tenant's personal types, grammars and keys apply.
        identities: Seals what names a person.
    """

    def __init__(self, credential: ProducerCredential, identities: Identities) -> None:
        self._identities = identities
        self._hash = KeyedHash(credential)
        compiled = Registry.compile(
            personal_types=credential.personal_types,
            resource_grammars=credential.resource_grammars,
        )
        # What else a tenant registered the collector knows; a recorder lets it pass.
        self._registry = Registry(compiled.personal_types, compiled.grammars)
        # Plain texts and numbers that passed, by field; values with a meaning of their own, which
        # is added to a draft in another way, never stand here.
        self._passed: dict[str, set[Any]] = {}
        self._references: dict[str, str | Envelope] = {}
        self._users: dict[str, Envelope] = {}
        self._takers = self._all_takers()

    def put(self, draft: Draft, fields: Mapping[str, Any]) -> None:
        """Take what is allowed of `fields`; the rest is counted."""
        values, passed, takers = draft.values, self._passed, self._takers
        for given, value in fields.items():
            # The way of nearly every value: it passed before, under this very name.
            if type(value) in _SIMPLE and value in passed.get(given, _NOTHING):
                values[given] = value
            elif value is not None and value is not UNSET:
                name, take = takers.get(given, _UNKNOWN)
                if not take(draft, name, value):
                    draft.dropped += 1

    def _all_takers(self) -> dict[str, tuple[str, Taker]]:
        checks = fits(self._registry, stored=False)
        takers: dict[str, tuple[str, Taker]] = {}
        for name, spec in FIELDS.items():
            if name in _OWN or spec.by != "P" or name in ENVELOPE_FIELDS:
                continue
            if name not in PRODUCER_FACT_FIELDS:
                passed = self._passed[name] = set()
                takers[name] = (name, _plain(checks[name], passed))
        special: dict[str, Taker] = {
            "user_id": self._take_user,
            "on_behalf_of": self._take_user,
            "source_ip": self._take_address,
            "subject_id": self._take_subject,
            "resource_id": self._take_resource,
            "resource_ids": self._take_resources,
            "user_agent": _take_agent,
            "redactions": _take_redactions,
            "dropped_fields": _take_dropped,
            "cut_fields": _take_cut,
            # Taken by the builder itself.
            "timestamp": _keep,
            "outcome": _keep,
            "success": _keep,
        }
        for name, take in special.items():
            takers[name] = (name, take)
            self._passed.pop(name, None)
        for alias, name in ALIASES.items():
            takers[alias] = takers[name]
        return takers

    def _take_user(self, draft: Draft, name: str, value: Any) -> bool:
        envelope = self._users.get(value) if type(value) is str else None
        if envelope is None:
            if value == ANONYMOUS and name == "user_id":
                draft.values[name] = ANONYMOUS
                return True
            envelope = self._seal_user(draft, name, value)
        if envelope is None:
            return False
        draft.values[name] = envelope
        return True

    def _seal_user(self, draft: Draft, name: str, value: Any) -> Envelope | None:
        if isinstance(value, Envelope):
            return value
        text = str(value)
        if not text or text == ANONYMOUS:
            return None
        short = self._shortened(draft, name, text)
        envelope = self._identities.carried(text) or self._identities.user(short)
        if short == text:
            _remember(self._users, text, envelope)
        return envelope

    def _take_address(self, draft: Draft, name: str, value: Any) -> bool:
        envelope = value if isinstance(value, Envelope) else self._identities.address(str(value))
        if envelope is None:
            return False
        draft.values[name] = envelope
        return True

    def _take_subject(self, draft: Draft, name: str, value: Any) -> bool:
        envelope = self._entity(draft, name, value)
        if envelope is None:
            return False
        draft.values[name] = envelope
        return True

    def _take_resource(self, draft: Draft, name: str, value: Any) -> bool:
        reference = self._reference(draft, name, value)
        if reference is None:
            return False
        draft.values[name] = reference
        return True

    def _take_resources(self, draft: Draft, name: str, value: Any) -> bool:
        if isinstance(value, str) or not isinstance(value, Iterable):
            return False
        given: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType]
        if len(given) > _MAX_IDS:
            draft.cut[name] = self._hash.of("\n".join(map(str, given)).encode(errors="replace"))
            del given[_MAX_IDS:]
        taken = [self._reference(draft, name, one) for one in given]
        kept = [one for one in taken if one is not None]
        draft.dropped += len(taken) - len(kept)
        if not kept:
            return False
        draft.values[name] = kept
        return True

    def _reference(self, draft: Draft, name: str, value: Any) -> str | Envelope | None:
        """Return a reference as it may be stored: in clear if it is opaque, else sealed.

        Source: PRIVACY section 4.2: an id in the shape of a name, a number of a person or an
        address becomes a pseudonym.
        """
        known = self._references.get(value) if type(value) is str else None
        if known is not None:
            return known
        if isinstance(value, Envelope):
            return value
        text = str(value)
        found: Mapping[str, int] = {}
        opaque = not self._registry.is_personal(text) and self._registry.fits_reference(text)
        if opaque and _PLAIN_ID.fullmatch(text) is None:
            found = redact_value(text).counts
            draft.count(found)
        reference = text if opaque and not found else self._entity(draft, name, text)
        # What is counted in each record it stands in is not remembered.
        if reference is not None and not found and name not in draft.cut:
            _remember(self._references, text, reference)
        return reference

    def _entity(self, draft: Draft, name: str, value: Any) -> Envelope | None:
        if isinstance(value, Envelope):
            return value
        return self._identities.entity(self._shortened(draft, name, str(value)))

    def _shortened(self, draft: Draft, name: str, text: str) -> str:
        short, changed = shortened(text)
        if changed:
            draft.cut[name] = self._hash.of(text.encode("utf-8", "backslashreplace"))
        return short


def _plain(check: Callable[[Any], object], passed: set[Any]) -> Taker:
    """Return a taker that asks `check`, and remembers the texts and numbers that passed."""

    def take(draft: Draft, name: str, value: Any) -> bool:
        value = _exact(value)
        if not check(value):
            return False
        if type(value) in _SIMPLE and len(passed) < MAX_REMEMBERED:
            passed.add(value)
        draft.values[name] = value
        return True

    return take


def _exact(value: Any) -> Any:
    """Return a copy without enums, tuples and other relatives of JSON's types."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, list | tuple):
        return list(map(_exact, value))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, Mapping):
        return {str(key): _exact(value[key]) for key in sorted(value)}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return value


def _take_agent(draft: Draft, name: str, value: Any) -> bool:
    cleaned = clean_user_agent(str(value))
    if cleaned.counts:
        draft.count(cleaned.counts)
    if cleaned.text:
        draft.values[name] = cleaned.text
    return True


def _take_redactions(draft: Draft, _name: str, value: Any) -> bool:
    if not _COUNTS(value):
        return False
    draft.count(value)
    return True


def _take_dropped(draft: Draft, _name: str, value: Any) -> bool:
    if type(value) is not int or value < 0:
        return False
    draft.dropped += value
    return True


def _take_cut(draft: Draft, _name: str, value: Any) -> bool:
    if not _CUTS(value):
        return False
    draft.cut |= value
    return True


def _remember(known: dict[str, Any], text: str, value: Any) -> None:
    """Keep what became of a text; a full memory begins anew, so that it stays bounded."""
    if len(known) >= MAX_REMEMBERED_IDENTITIES:
        known.clear()
    known[text] = value


def _keep(_draft: Draft, _name: str, _value: Any) -> bool:
    return True


def _refuse(_draft: Draft, _name: str, _value: Any) -> bool:
    return False


_SIMPLE: Final = frozenset({str, int})
_NOTHING: Final[frozenset[Any]] = frozenset()
_UNKNOWN: Final[tuple[str, Taker]] = ("", _refuse)
_WIRE: Final = fits(Registry(), stored=False)
_COUNTS: Final = _WIRE["redactions"]
_CUTS: Final = _WIRE["cut_fields"]
