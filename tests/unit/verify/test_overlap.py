"""How the journal's place is found among sealed rows."""

from collections.abc import Sequence

from auditroll.tlog.hashing import ZERO_HASH
from auditroll.verify.overlap import Overlap, Rows


class Column:
    def __init__(self, seeds: Sequence[bytes | None]) -> None:
        self._seeds = list(seeds)

    def to_pylist(self) -> list[bytes | None]:
        return self._seeds


def seed(number: int) -> bytes:
    return number.to_bytes(16, "big")


def rows(first: int, end: int, *, hidden: Sequence[int] = ()) -> Rows:
    places = range(first, end)
    seeds = Column([None if place in hidden else seed(place) for place in places])
    return Rows(first, [seed(p) * 2 for p in places], [f"t{p:03d}" for p in places], seeds)


def journalled(first: int, end: int) -> bytes:
    return b"".join(seed(place).hex().encode() for place in range(first, end))


def test_without_a_journal_there_is_nothing_to_place() -> None:
    overlap = Overlap(b"")
    overlap.see(rows(0, 5))
    assert (overlap.begin(), overlap.received, overlap.end) == (5, "t004", 5)


def test_a_journal_of_a_new_stream_begins_at_its_beginning() -> None:
    overlap = Overlap(journalled(0, 3))
    assert (overlap.begin(), overlap.last_hash) == (0, ZERO_HASH.hex())


def test_the_journals_first_record_is_found_among_the_rows() -> None:
    overlap = Overlap(journalled(7, 20))
    overlap.see(rows(0, 5))
    overlap.see(rows(5, 10))
    overlap.see(rows(10, 12))
    assert overlap.begin() == 7
    assert (overlap.received, overlap.first_received) == ("t006", "t007")
    assert overlap.seeds == [seed(place) for place in range(7, 12)]


def test_a_journal_that_begins_with_a_row_group_is_found() -> None:
    overlap = Overlap(journalled(5, 20))
    overlap.see(rows(0, 5))
    overlap.see(rows(5, 10))
    assert (overlap.begin(), overlap.received) == (5, "t004")


def test_a_journal_that_begins_behind_the_rows_begins_at_their_end() -> None:
    overlap = Overlap(journalled(10, 20))
    overlap.see(rows(0, 10))
    assert overlap.begin() == 10


def test_rows_that_are_gone_are_counted_back_from_one_that_is_there() -> None:
    overlap = Overlap(journalled(3, 20))
    overlap.skip(6, "ab" * 32, "t005")
    overlap.see(rows(6, 9, hidden=[6]))
    assert overlap.begin() == 3
    assert overlap.seeds == [None] * 4 + [seed(7), seed(8)]


def test_rows_without_any_seed_tell_nothing() -> None:
    overlap = Overlap(journalled(3, 20))
    overlap.see(rows(0, 3, hidden=range(3)))
    assert overlap.begin() == 3


def test_rows_lost_in_between_leave_a_gap_and_at_the_end_no_place() -> None:
    overlap = Overlap(journalled(2, 20))
    overlap.see(rows(0, 4))
    overlap.lose(8)
    assert overlap.begin() is None
    overlap.see(rows(8, 10))
    assert overlap.begin() == 2
    assert overlap.seeds == [seed(2), seed(3), *[None] * 4, seed(8), seed(9)]


def test_digits_that_stand_across_two_seeds_are_no_seed() -> None:
    digits = journalled(1, 9)
    across = bytes.fromhex(digits[16:48].decode())
    overlap = Overlap(digits)
    overlap.see(Rows(4, [across * 2], ["t"], Column([across])))
    assert overlap.start is None
