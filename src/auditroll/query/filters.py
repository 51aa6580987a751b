"""From filters to SQL with parameters.

Text of a query never enters the SQL: names come from the schema, values are bound.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, cast

from auditroll.event.fields import FIELDS, SEGMENT_COLUMNS
from auditroll.event.spec import Kind
from auditroll.event.times import parse_time
from auditroll.query.model import MAX_FILTERS, Filter, Operator, invalid

__all__ = ["Condition", "compiled"]

MAX_VALUES: Final = 1000
MAX_TEXT: Final = 4096
_COLUMNS: Final = frozenset(SEGMENT_COLUMNS)
_BOOLEANS: Final = {"true": True, "false": False, True: True, False: False}


class Condition(NamedTuple):
    """One filter, ready to run.

    Args:
        field: The column it reads.
        sql: Boolean expression over the column.
        values: Bound values by parameter name.
    """

    field: str
    sql: str
    values: dict[str, Any]


def compiled(filters: Sequence[Filter]) -> list[Condition]:
    """Return the conditions of a query.

    Raises:
        ProducerError: `query-invalid`: an unknown field, an operator the field does not have, or
            a value of another type.
    """
    if len(filters) > MAX_FILTERS:
        raise invalid(f"more than {MAX_FILTERS} filters")
    return [_condition(item, f"p{number}") for number, item in enumerate(filters)]


def _condition(item: Filter, name: str) -> Condition:
    if item.field not in _COLUMNS:
        raise invalid(f"no field {item.field[:64]!r}")
    kind = FIELDS[item.field].kind
    column = f'"{item.field}"'
    if item.op == "exists":
        wanted = _boolean(item.value)
        return Condition(item.field, f"{column} IS {'NOT ' if wanted else ''}NULL", {})
    if item.op == "in":
        return _any_of(item, kind, column, name)
    value = _value(kind, item.op, item.value)
    return Condition(item.field, _expression(kind, item.op, column, name), {name: value})


def _any_of(item: Filter, kind: Kind, column: str, name: str) -> Condition:
    given: object = item.value
    if not isinstance(given, list | tuple):
        raise invalid("`in` takes a list of values")
    values = cast("Sequence[Any]", given)
    if not 1 <= len(values) <= MAX_VALUES:
        raise invalid(f"`in` takes 1 to {MAX_VALUES} values")
    bound = {f"{name}_{n}": _value(kind, "eq", value) for n, value in enumerate(values)}
    tests = [_expression(kind, "eq", column, parameter) for parameter in bound]
    return Condition(item.field, f"({' OR '.join(tests)})", bound)


def _expression(kind: Kind, op: Operator, column: str, name: str) -> str:
    for kinds, expressions in _EXPRESSIONS:
        if kind in kinds and op in expressions:
            return expressions[op].format(column=column, name=name)
    raise invalid(f"{column} has no operator {op}")


_PLAIN: Final[dict[Operator, str]] = {
    "eq": "{column} = ${name}",
    "ne": "{column} IS DISTINCT FROM ${name}",
}
_ORDERED: Final[dict[Operator, str]] = {
    **_PLAIN,
    "lt": "{column} < ${name}",
    "lte": "{column} <= ${name}",
    "gt": "{column} > ${name}",
    "gte": "{column} >= ${name}",
}
_TEXT: Final[dict[Operator, str]] = {
    **_ORDERED,
    "prefix": "starts_with({column}, ${name})",
    "contains": "contains({column}, ${name})",
}
_LIST: Final[dict[Operator, str]] = {
    "eq": "list_contains({column}, ${name})",
    "ne": "NOT coalesce(list_contains({column}, ${name}), false)",
    "contains": "list_contains({column}, ${name})",
}
# A quote inside a JSON string is escaped, so the quoted name with a colon is a key.
_EXT: Final[dict[Operator, str]] = {"contains": """contains({column}, '"' || ${name} || '":')"""}
_EXPRESSIONS: Final[Sequence[tuple[frozenset[Kind], dict[Operator, str]]]] = (
    (frozenset({"str", "enum"}), _TEXT),
    (frozenset({"int", "time"}), _ORDERED),
    (frozenset({"bool"}), _PLAIN),
    (frozenset({"list"}), _LIST),
    (frozenset({"counts", "hashes"}), {"contains": "map_contains({column}, ${name})"}),
    (frozenset({"ext"}), _EXT),
)


def _value(kind: Kind, op: Operator, value: Any) -> Any:
    reader: Callable[[Any], Any] = _READERS.get(kind, _text)
    return _text(value) if op in {"prefix", "contains"} else reader(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise invalid(f"text of at most {MAX_TEXT} characters is expected")
    return value


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise invalid("an integer is expected")
    try:
        number = int(value)
    except ValueError:
        raise invalid("an integer is expected") from None
    if abs(number) >= 2**63:
        raise invalid("the integer is out of range")
    return number


def _time(value: Any) -> int:
    if isinstance(value, str):
        try:
            return parse_time(value)
        except ValueError:
            raise invalid("a time is written 2026-01-31T23:59:59.000Z") from None
    return _integer(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, str | bool) or value not in _BOOLEANS:
        raise invalid("true or false is expected")
    return _BOOLEANS[value]


_READERS: Final[dict[Kind, Callable[[Any], Any]]] = {
    "int": _integer,
    "time": _time,
    "bool": _boolean,
}
