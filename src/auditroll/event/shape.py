"""What one value may be: a small language that checks a value and writes its JSON Schema."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Protocol, TypeGuard

from auditroll.event.canonical import MAX_INTEGER
from auditroll.event.grammar import GRAMMARS, PATTERNS
from auditroll.event.spec import Kind, Spec

__all__ = [
    "AnyOf",
    "Array",
    "Choice",
    "Flag",
    "Members",
    "Pair",
    "Shape",
    "Table",
    "Text",
    "Whole",
    "is_list",
    "is_object",
    "itself",
    "shape_of",
]


class Shape(Protocol):
    """A set of JSON values."""

    def fits(self, value: Any) -> object:
        """Return something true exactly if `value` is in the set."""
        ...

    def schema(self) -> dict[str, Any]:
        """Return the set as JSON Schema (2020-12)."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """A string of a named grammar."""

    grammar: str

    def fits(self, value: Any) -> object:
        """Return something true exactly if `value` is in the set."""
        return isinstance(value, str) and GRAMMARS[self.grammar](value)

    def schema(self) -> dict[str, Any]:
        """Return the set as JSON Schema (2020-12)."""
        return {"type": "string", "pattern": f"^(?:{PATTERNS[self.grammar]})$"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a closed set of strings, or a string of a grammar beside it."""

    values: tuple[str, ...]
    grammar: str = ""

    def fits(self, value: Any) -> object:
        """Return something true exactly if `value` is in the set."""
        if not isinstance(value, str):
            return False
        return value in self.values or (self.grammar and GRAMMARS[self.grammar](value))

    def schema(self) -> dict[str, Any]:
        """Return the set as JSON Schema (2020-12)."""
        closed = {"type": "string", "enum": list(self.values)}
        return {"anyOf": [closed, Text(self.grammar).schema()]} if self.grammar else closed


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer within limits."""

    minimum: int = 0
    maximum: int = MAX_INTEGER

    def fits(self, value: Any) -> object:
        """Return something true exactly if `value` is in the set."""
        return type(value) is int and self.minimum <= value <= self.maximum

    def schema(self) -> dict[str, Any]:
        """Return the set as JSON Schema (2020-12)."""
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def fits(self, value: Any) -> object:
        """Return something true exactly if `value` is in the set."""
        return type(value) is bool

    def schema(self) -> dict[str, Any]:
        """Return the set as JSON Schema (2020-12)."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class AnyOf:
    """What fits one of several shapes."""

    shapes: tuple[Shape, ...]

    def fits(self, value: Any) -> object:
        """Return something true exactly if `value` is in the set."""
        return any(shape.fits(value) for shape in self.shapes)

    def schema(self) -> dict[str, Any]:
        """Return the set as JSON Schema (2020-12)."""
        return {"anyOf": [shape.schema() for shape in self.shapes]}


@dataclass(frozen=True, slots=True)
class Array:
    """A list; `key` gives what its elements are sorted by, each value once."""

    item: Shape
    least: int = 0
    most: int = MAX_INTEGER
    key: Callable[[Any], Any] | None = None

    def fits(self, value: Any) -> object:
        """Return something true exactly if `value` is in the set."""
        if not is_list(value) or not self.least <= len(value) <= self.most:
            return False
        return all(map(self.item.fits, value)) and (self.key is None or _rises(value, self.key))

    def schema(self) -> dict[str, Any]:
        """Return the set as JSON Schema (2020-12)."""
        found: dict[str, Any] = {"type": "array", "items": self.item.schema()}
        if self.least:
            found["minItems"] = self.least
        if self.most < MAX_INTEGER:
            found["maxItems"] = self.most
        return found | ({"uniqueItems": True} if self.key else {})


@dataclass(frozen=True, slots=True)
class Pair:
    """`[first, last]`, both in 0..2^53-1 and in this order."""

    def fits(self, value: Any) -> object:
        """Return something true exactly if `value` is in the set."""
        if not is_list(value) or len(value) != 2 or not all(map(_U53.fits, value)):
            return False
        return value[0] <= value[1]

    def schema(self) -> dict[str, Any]:
        """Return the set as JSON Schema (2020-12)."""
        return Array(_U53, 2, 2).schema()


@dataclass(frozen=True, slots=True)
class Table:
    """An object with free keys of one shape."""

    key: Shape
    item: Shape
    most: int
    # Keys whose values are narrower.
    special: tuple[tuple[str, Shape], ...] = ()

    def fits(self, value: Any) -> object:
        """Return something true exactly if `value` is in the set."""
        if not is_object(value) or len(value) > self.most:
            return False
        narrow = dict(self.special)
        return all(
            self.key.fits(name) and narrow.get(name, self.item).fits(item)
            for name, item in value.items()
        )

    def schema(self) -> dict[str, Any]:
        """Return the set as JSON Schema (2020-12)."""
        found: dict[str, Any] = {
            "type": "object",
            "propertyNames": self.key.schema(),
            "additionalProperties": self.item.schema(),
            "maxProperties": self.most,
        }
        if self.special:
            found["properties"] = {name: shape.schema() for name, shape in self.special}
        return found


@dataclass(frozen=True, slots=True)
class Members:
    """An object with named members, all present except the optional ones."""

    members: Mapping[str, Shape]
    optional: frozenset[str] = frozenset()

    def fits(self, value: Any) -> object:
        """Return something true exactly if `value` is in the set."""
        if not is_object(value) or not self.members.keys() - self.optional <= value.keys():
            return False
        return value.keys() <= self.members.keys() and all(
            self.members[name].fits(item) for name, item in value.items()
        )

    def schema(self) -> dict[str, Any]:
        """Return the set as JSON Schema (2020-12)."""
        return {
            "type": "object",
            "properties": {name: shape.schema() for name, shape in sorted(self.members.items())},
            "required": sorted(self.members.keys() - self.optional),
            "additionalProperties": False,
        }


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Tell whether `value` is an array, of anything."""
    return isinstance(value, list)


def is_object(value: Any) -> TypeGuard[dict[Any, Any]]:
    """Tell whether `value` is an object, of anything."""
    return isinstance(value, dict)


def shape_of(spec: Spec) -> Shape:
    """Return the shape of a field's stored value."""
    return _SHAPES[spec.kind](spec)


def itself(value: Any) -> Any:
    """Return `value`: the key of arrays of plain strings."""
    return value


def _rises(values: list[Any], key: Callable[[Any], Any]) -> bool:
    keys = list(map(key, values))
    return all(one < two for one, two in pairwise(keys))


def _text(spec: Spec) -> Shape:
    return Choice(spec.values, spec.grammar) if spec.values else Text(spec.grammar)


def _key(spec: Spec) -> Shape:
    return Choice(spec.values) if spec.values else Text(spec.key)


def _counts(spec: Spec) -> Shape:
    special = tuple((name, Whole(0, 1)) for name in spec.bits)
    return Table(_key(spec), Whole(spec.minimum, spec.maximum), spec.most, special)


_U53: Final = Whole()
_EXT: Final = AnyOf((Whole(), Flag(), Text("CODE"), Text("REF"), Text("HASH")))

_SHAPES: Final[Mapping[Kind, Callable[[Spec], Shape]]] = {
    "str": _text,
    "enum": _text,
    "time": _text,
    "int": lambda spec: Whole(spec.minimum, spec.maximum),
    "bool": lambda _spec: Flag(),
    "list": lambda spec: Array(_text(spec), spec.least, spec.most, itself if spec.unique else None),
    "counts": _counts,
    "hashes": lambda spec: Table(_key(spec), Text(spec.grammar), spec.most),
    "ext": lambda spec: Table(_key(spec), _EXT, spec.most),
}
