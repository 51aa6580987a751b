"""A watched search is recorded when it begins and now and then, whatever the caller says."""

from auditroll.api.watched import MAX_WATCHED, RECORD_AGAIN_MS, Watched


def test_a_repetition_is_recorded_once() -> None:
    watched = Watched()
    assert watched.begins("ada", "outcome=denied", 0)
    assert not watched.begins("ada", "outcome=denied", 1_000)
    assert not watched.begins("ada", "outcome=denied", RECORD_AGAIN_MS - 1)
    assert watched.begins("ada", "outcome=denied", RECORD_AGAIN_MS)


def test_another_search_and_another_person_begin_anew() -> None:
    watched = Watched()
    assert watched.begins("ada", "outcome=denied", 0)
    assert watched.begins("ada", "outcome=ok", 0)
    assert watched.begins("ben", "outcome=denied", 0)


def test_memory_is_bounded_and_forgetting_records_again() -> None:
    watched = Watched()
    for number in range(MAX_WATCHED + 1):
        assert watched.begins("ada", str(number), 0)
    assert watched.begins("ada", "0", 0)
    assert not watched.begins("ada", str(MAX_WATCHED), 0)
