"""Whether one record is a valid event: single values first, then rules between them."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec import UNSET

from auditroll.errors import ProducerError
from auditroll.event.fields import ENVELOPE_FIELDS, FIELDS
from auditroll.event.grammar import GRAMMARS
from auditroll.event.model import Envelope
from auditroll.event.registry import UNREGISTERED, Registry
from auditroll.event.rules import first_fault
from auditroll.event.shape import Shape, is_list, shape_of

__all__ = ["ALIASES", "REQUIRED", "Invalid", "check_event", "fits", "normalise"]

# Names accepted on input beside the format's own.
ALIASES: Final[Mapping[str, str]] = {"action": "action_type", "purpose": "purpose_of_use"}

# HPKE adds 32 octets of key and 16 of tag to at most 512 octets of identity; in base64.
_MAX_SEALED_CHARACTERS: Final = 748
_MIN_SEALED_CHARACTERS: Final = 64
_ANONYMOUS: Final = "anonymous"
_PERSONS: Final = frozenset(
    name for name, spec in FIELDS.items() if spec.identity and spec.grammar != "REF"
)

Fits = Callable[[Any], object]
"""Returns something true exactly if a field may have this value."""


class Invalid(ProducerError):
    """A record that is no valid event.

    Args:
        code: `grammar`, `required`, `consistency`, or `identity` where a person is named without
            an envelope.
        field: The field at fault; the first by name if several are.
    """

    def __init__(self, code: str, field: str) -> None:
        super().__init__(code, f"the field {field} is refused", status=400, field=field)
        self.field = field


def _required(*, stored: bool) -> tuple[str, ...]:
    """Return what an event must have; on the wire, of what a producer sets."""
    return tuple(
        name
        for name, spec in FIELDS.items()
        if spec.required
        and name not in ENVELOPE_FIELDS
        and (stored or spec.by == "P" or spec.identity)
    )


REQUIRED: Final = {stored: _required(stored=stored) for stored in (False, True)}


def check_event(
    record: Mapping[str, Any], *, stored: bool, registry: Registry = UNREGISTERED
) -> None:
    """Refuse a record that is no valid event.

    Args:
        record: Field to value; absent fields are absent.
        stored: True for a record as it stands in the log, with or without the envelope of section
            5.1; False for a wire line, with `Envelope` objects in place of pseudonyms.
        registry: What the tenant registered.

    Raises:
        Invalid: The first fault found: a required field, then a value, then a rule.

    Source: format reference, sections 3, 5 and 6.
    """
    absent = [name for name in REQUIRED[stored] if name not in record]
    if absent:
        raise Invalid("required", absent[0])
    known = fits(registry, stored=stored)
    wrong = [name for name, value in record.items() if name not in known or not known[name](value)]
    if wrong:
        name = min(wrong)
        raise Invalid("grammar" if stored else _wire_code(name, record[name], registry), name)
    fault = first_fault(record)
    if fault is not None:
        raise Invalid(*fault)


def normalise(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return `record` with its aliases under the format's own names.

    A field that already stands under its own name keeps that value; the alias stays where it is,
    and is then an unknown field.
    """
    return {
        (ALIASES[name] if name in ALIASES and ALIASES[name] not in record else name): value
        for name, value in record.items()
    }


@lru_cache(maxsize=1024)
def fits(registry: Registry, *, stored: bool) -> Mapping[str, Fits]:
    """Return, for each field that a record may have, what tells whether a value is valid.

    Args:
        registry: What the tenant registered.
        stored: Log or wire, as in `check_event`.
    """
    known = {name: _shape_fits(shape_of(spec)) for name, spec in FIELDS.items()}
    if not stored:
        known = {name: check for name, check in known.items() if name not in ENVELOPE_FIELDS}
    for name in ("event_type", "purpose_of_use"):
        known[name] = _both(known[name], registry.allows)
    known["ext"] = _ext(known["ext"], registry)
    reference = _reference(registry) if stored else _either(_entity, _clear_reference(registry))
    known["resource_id"] = reference
    known["resource_ids"] = _array(FIELDS["resource_ids"].least, reference)
    if not stored:
        known |= dict.fromkeys(("on_behalf_of", "source_ip"), _person)
        known["user_id"] = _either(_person, lambda value: value == _ANONYMOUS)
        known["subject_id"] = _entity
    return known


def _wire_code(name: str, value: Any, registry: Registry) -> str:
    """Return the code for a value that does not fit its field on the wire."""
    if name not in FIELDS or not FIELDS[name].identity:
        return "grammar"
    values = value if is_list(value) else [value]
    return "identity" if any(_names_person(name, item, registry) for item in values) else "grammar"


def _names_person(name: str, value: Any, registry: Registry) -> bool:
    """Tell whether `value` should be an envelope, or one of the other kind."""
    if isinstance(value, Envelope):
        return (value.t is UNSET) is (FIELDS[name].identity == "entity")
    return isinstance(value, str) and (name in _PERSONS or registry.is_personal(value))


def _shape_fits(shape: Shape) -> Fits:
    return shape.fits


def _both(one: Fits, two: Fits) -> Fits:
    return lambda value: one(value) and two(value)


def _either(one: Fits, two: Fits) -> Fits:
    return lambda value: one(value) or two(value)


def _reference(registry: Registry) -> Fits:
    return lambda value: isinstance(value, str) and registry.fits_reference(value)


def _clear_reference(registry: Registry) -> Fits:
    """Return what accepts a reference on the wire: a personal one needs an envelope."""
    stored = _reference(registry)
    return lambda value: stored(value) and not registry.is_personal(value)


def _array(least: int, item: Fits) -> Fits:
    most = FIELDS["resource_ids"].most
    return lambda value: is_list(value) and least <= len(value) <= most and all(map(item, value))


def _ext(shape: Fits, registry: Registry) -> Fits:
    names = registry.ext_fields
    return shape if names is None else lambda value: shape(value) and value.keys() <= names


def _sealed(value: Any) -> object:
    """Tell whether `value` is an envelope whose parts are of their grammars."""
    return (
        isinstance(value, Envelope)
        and _MIN_SEALED_CHARACTERS <= len(value.c) <= _MAX_SEALED_CHARACTERS
        and GRAMMARS["B64"](value.c)
        and GRAMMARS["NAME"](value.e)
        and GRAMMARS["H32"](value.l)
    )


def _person(value: Any) -> object:
    return _sealed(value) and value.t is UNSET


def _entity(value: Any) -> object:
    return _sealed(value) and value.t is not UNSET and GRAMMARS["TYPE"](value.t)
