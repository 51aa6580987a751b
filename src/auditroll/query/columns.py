"""Typed columns in memory, in the one representation that the engine works on."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from auditroll.event.fields import FIELDS
from auditroll.segment.arrow import Column, Table, compute, pa
from auditroll.segment.encode import UNREPEATED
from auditroll.segment.schema import arrow_schema

__all__ = ["ColumnCache", "engine_type", "nulls", "prepared"]

DEFAULT_OCTETS: Final = 512 * 1024 * 1024


@cache
def engine_type(name: str) -> Any:
    """Return the type of a column in the engine: times as integers, texts by dictionary."""
    field = FIELDS.get(name)
    if field is not None and field.kind == "time":
        return pa.int64()
    if field is not None and field.kind in {"str", "enum"} and name not in UNREPEATED:
        return pa.dictionary(pa.int32(), pa.utf8())
    return arrow_schema().field(name).type


def prepared(table: Table, name: str) -> Column:
    """Return a column of a segment's table as one array of its engine type."""
    column = table[name].combine_chunks()
    wanted = engine_type(name)
    if pa.types.is_dictionary(wanted):
        return compute.dictionary_encode(column)
    return column if column.type == wanted else compute.cast(column, wanted)


def nulls(name: str, rows: int) -> Column:
    """Return an absent column."""
    return pa.nulls(rows, engine_type(name))


class ColumnCache:
    """Decoded columns, up to a number of octets; the least recently used go first.

    Safe for several threads. Two that miss the same column at once both decode it.

    Args:
        octets: Upper bound of what is kept.
    """

    def __init__(self, octets: int = DEFAULT_OCTETS) -> None:
        self._limit = octets
        self._held: OrderedDict[Hashable, Column] = OrderedDict()
        self._octets = 0
        self._lock = threading.Lock()

    @property
    def octets(self) -> int:
        """Return how much is kept."""
        return self._octets

    def columns(
        self,
        owner: Hashable,
        names: Sequence[str],
        load: Callable[[Sequence[str]], Mapping[str, Column]],
    ) -> dict[str, Column]:
        """Return the columns by name.

        Args:
            owner: What they belong to.
            names: Which ones.
            load: Decodes the ones that are not here.
        """
        found: dict[str, Column] = {}
        with self._lock:
            for name in names:
                if (owner, name) in self._held:
                    self._held.move_to_end((owner, name))
                    found[name] = self._held[owner, name]
        missing = [name for name in names if name not in found]
        if missing:
            loaded = load(missing)
            self._keep(owner, loaded)
            found |= loaded
        return found

    def _keep(self, owner: Hashable, columns: Mapping[str, Column]) -> None:
        with self._lock:
            for name, column in columns.items():
                if (owner, name) not in self._held:
                    self._held[owner, name] = column
                    self._octets += column.nbytes
            while self._octets > self._limit and self._held:
                _, dropped = self._held.popitem(last=False)
                self._octets -= dropped.nbytes
