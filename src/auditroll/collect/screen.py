"""The second look for personal data: what the producer's redaction let through.

Text that may hold anything is redacted here; a field with a grammar of its own cannot hold a
marker, so a hit there quarantines the line.

Source: GDPR Article 5(1)(c); 45 CFR 164.502(b).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter

from msgspec import UNSET

from auditroll.event import Event
from auditroll.redact import clean_user_agent, scan_batch

__all__ = ["MAX_CLEAN", "Screen"]

# Short values from outside whose grammars are wide enough for a person's number or address.
_SHORT = ("user_role", "route", "upstream_request_id", "error_code")
MAX_CLEAN = 50_000

# A value and the indices of the events that hold it.
_Places = dict[str, list[int]]


class Screen:
    """Scans each distinct value once, and remembers clean ones of fields that repeat themselves.

    Args:
        limit: Clean values remembered.
    """

    def __init__(self, limit: int = MAX_CLEAN) -> None:
        self._limit = limit
        self._clean: set[str] = set()

    def examine(self, events: Sequence[Event], declared: Iterable[str]) -> dict[int, str]:
        """Redact free text in place, and return the events that must be quarantined.

        Args:
            events: `user_agent` and `redactions` may change.
            declared: Resource types whose ids have a registered grammar, so need no scan.

        Returns:
            Index to code, `pii`.
        """
        self._redact_agents(events)
        refused: set[int] = set()
        for name in _SHORT:
            refused.update(self._hits(_places(events, name)))
        references: _Places = {}
        prefixes = tuple(f"{name}:" for name in declared)
        for index, event in enumerate(events):
            for reference in _references(event):
                if not reference.startswith(prefixes):
                    references.setdefault(reference, []).append(index)
        refused.update(index for where in _scan(references).values() for index in where)
        return dict.fromkeys(sorted(refused), "pii")

    def _hits(self, places: _Places) -> Iterator[int]:
        """Yield where a value is not clean, asking the detectors only about new values."""
        new = {value: where for value, where in places.items() if value not in self._clean}
        hits = _scan(new)
        self._remember(new.keys() - hits.keys())
        return (index for where in hits.values() for index in where)

    def _redact_agents(self, events: Sequence[Event]) -> None:
        """Redact what is found in user agents; their version numbers are no addresses."""
        places = _places(events, "user_agent")
        new = {value: where for value, where in places.items() if value not in self._clean}
        hits = _scan(new)
        self._remember(new.keys() - hits.keys())
        for value, where in hits.items():
            redacted = clean_user_agent(value)
            if redacted.text == value:
                self._remember({value})
                continue
            for index in where:
                events[index].user_agent = redacted.text
                _count(events[index], redacted.counts)

    def _remember(self, clean: Collection[str]) -> None:
        if len(self._clean) + len(clean) > self._limit:
            self._clean.clear()
        self._clean.update(clean)


def _scan(places: _Places) -> _Places:
    """Return the values in which the detectors find something."""
    values = list(places)
    found = scan_batch(values) if values else {}
    return {values[at]: places[values[at]] for at in found}


def _places(events: Sequence[Event], name: str) -> _Places:
    places: _Places = {}
    for index, value in enumerate(map(attrgetter(name), events)):
        if value is not UNSET:
            places.setdefault(value, []).append(index)
    return places


def _references(event: Event) -> Iterator[str]:
    """Yield resource ids that are not envelopes, and strings of `ext`."""
    if isinstance(event.resource_id, str):
        yield event.resource_id
    if event.resource_ids is not UNSET:
        yield from (item for item in event.resource_ids if isinstance(item, str))
    if event.ext is not UNSET:
        yield from (value for value in event.ext.values() if isinstance(value, str))


def _count(event: Event, counts: Mapping[str, int]) -> None:
    """Add what was redacted to the event's `redactions`."""
    total = Counter(event.redactions if event.redactions is not UNSET else {})
    total.update(counts)
    event.redactions = dict(sorted(total.items()))
