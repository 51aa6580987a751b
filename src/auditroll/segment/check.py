"""The check that what people query is what is proven.

Typed columns are re-encoded and compared with the leaf; slots are re-encoded and their commitments
compared with the leaf's `sealed`. Whole columns are compared first; only rows that differ, and
those with fields that have no column or with hidden slots, are looked at one by one.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256, shake_128

from auditroll.errors import Error
from auditroll.event.canonical import MAX_LEAF_OCTETS, decode_exact, encode
from auditroll.event.fields import SLOT_OF
from auditroll.segment.arrow import Column, Table, compute, pa
from auditroll.segment.octets import public_octets, slot_octets
from auditroll.segment.read import SegmentData
from auditroll.segment.rows import lines_of, typed_row
from auditroll.segment.schema import LEAF, OPENING, PUBLIC_COLUMNS, SEED

__all__ = ["check_columns", "check_table"]


def check_columns(segment: SegmentData) -> Iterator[int]:
    """Yield the index of every record whose columns do not say what its leaf proves.

    Checked are: canonical leaf, stream and index, each public column against the leaf, each slot
    column against `sealed`. Chain and tree are the caller's.

    Raises:
        IntegrityError: `segment-altered`: a row group does not decrypt or decode.

    Source: format reference, section 10.
    """
    first = segment.meta.first_index
    for table in segment.tables():
        for row in check_table(table, segment.meta.stream, first):
            yield first + row
        first += table.num_rows


def check_table(table: Table, stream: str, first_index: int) -> Iterator[int]:
    """Yield the rows, from 0, that fail; see `check_columns`.

    Args:
        table: Rows with `arrow_schema()`.
        stream: Stream id they must name.
        first_index: Index that the first row must have.
    """
    placed = _placed(table, stream, first_index).to_pylist()
    proven = _committed(table, _equal_to_leaf(table))
    for row, (in_place, fast) in enumerate(zip(placed, proven, strict=True)):
        if not in_place or not (fast or _row_holds(table.slice(row, 1))):
            yield row


def _placed(table: Table, stream: str, first_index: int) -> Column:
    """Return the rows that name their stream and index."""
    indices = pa.array(range(first_index, first_index + table.num_rows), pa.int64())
    placed = compute.and_(
        compute.equal(table["stream"], stream), compute.equal(table["index"], indices)
    )
    return compute.fill_null(placed, fill_value=False)


def _equal_to_leaf(table: Table) -> list[bool]:
    """Return the rows that are whole and whose public columns give the leaf, octet for octet."""
    if table["event_id"].null_count:
        return [False] * table.num_rows
    same = compute.equal(public_octets(table), table[LEAF])
    short = compute.less_equal(compute.binary_length(table[LEAF]), MAX_LEAF_OCTETS)
    whole = compute.and_(compute.is_valid(table[SEED]), compute.is_null(table[OPENING]))
    good: list[bool] = compute.and_(compute.and_(same, short), whole).to_pylist()
    return good


def _committed(table: Table, public: Iterable[bool]) -> Iterator[bool]:
    """Yield, per row, whether `public` holds and the slot columns give `sealed`."""
    slots = [_values(octets, table.num_rows) for octets in slot_octets(table).values()]
    rows = zip(
        public,
        table[SEED].to_pylist(),
        table["sealed"].to_pylist(),
        zip(*slots, strict=True),
        strict=True,
    )
    for good, seed, sealed, (actor, subject, resource, source, agent, detail) in rows:
        if not good:
            yield False
            continue
        # The loop is written out: it is most of a verifier's time.
        salts = shake_128(seed).digest(96)
        yield (
            sealed
            == sha256(
                sha256(salts[:16] + actor).digest()
                + sha256(salts[16:32] + subject).digest()
                + sha256(salts[32:48] + resource).digest()
                + sha256(salts[48:64] + source).digest()
                + sha256(salts[64:80] + agent).digest()
                + sha256(salts[80:] + detail).digest()
            ).hexdigest()
        )


def _values(octets: Column | None, rows: int) -> list[bytes]:
    return [b"{}"] * rows if octets is None else octets.to_pylist()


def _row_holds(one: Table) -> bool:
    """Check a table of one row by the definition."""
    try:
        (line,) = lines_of(one)
        public = decode_exact(line.leaf)
        typed = typed_row(one, 0)
        shown = encode({name: typed[name] for name in PUBLIC_COLUMNS if name in typed})
    except (Error, ValueError):
        return False
    return (
        shown == encode({name: public[name] for name in PUBLIC_COLUMNS if name in public})
        and public.keys().isdisjoint(SLOT_OF)
        and one[SEED].null_count != one[OPENING].null_count
        and line.sealed() == public.get("sealed")
    )
