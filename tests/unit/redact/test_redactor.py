"""Failing closed, batches, budgets, markers that are not trusted."""

import base64

import pytest

from auditroll.redact import Redactor, custom_redactor, redact_value, scan_batch
from auditroll.redact import redactor as module
from auditroll.redact.detector import Detector, Hit
from auditroll.redact.redactor import MAX_CHARACTERS

UNSCANNED = "[REDACTED:UNSCANNED]"


def crashing(_hit: Hit):
    raise ZeroDivisionError


def test_p7_a_detector_that_crashes_lets_nothing_pass() -> None:
    redactor = Redactor([Detector("BOOM", "boom", crashing)])
    assert redactor.redact("a boom").text == UNSCANNED
    assert redactor.redact("a boom").counts == {"UNSCANNED": 1}
    assert redactor.redact("quiet").text == "quiet"


def test_p7_a_detector_that_runs_out_of_time_lets_nothing_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_CPU_S", -1.0)
    assert redact_value("mail jane@example.com").text == UNSCANNED


def test_a_pause_of_the_process_does_not_cost_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 99.0, *[100.0] * 50])
    monkeypatch.setattr(module.time, "thread_time", lambda: next(clock))
    assert redact_value("mail jane@example.com").text == "mail [REDACTED:EMAIL]"


def test_what_is_longer_than_any_value_does_not_pass() -> None:
    assert redact_value("a" * MAX_CHARACTERS).counts == {}
    assert redact_value("a" * (MAX_CHARACTERS + 1)).text == UNSCANNED


@pytest.mark.parametrize("text", ["1-" * 300, "%25" * 20 + "40", "\\\\u005c" * 3 + "x"])
def test_hostile_texts_are_scanned_or_refused(text: str) -> None:
    assert redact_value(text).text in {text, UNSCANNED}


def test_too_many_layers_of_escapes_do_not_pass() -> None:
    layered = "jane@example.com"
    for _ in range(12):
        layered = layered.replace("%", "%25").replace("@", "%40")
    assert redact_value(layered).text == UNSCANNED


def test_too_many_encodings_do_not_pass() -> None:
    layered = "jane@example.com"
    for _ in range(6):
        layered = base64.b64encode(layered.encode()).decode()
    assert redact_value(layered).text == UNSCANNED


def test_hits_in_a_value_are_counted_against_its_time() -> None:
    assert redact_value("a@b.example " * 20).counts == {"EMAIL": 20}


def test_an_encoded_text_that_only_looks_like_something_stays() -> None:
    hidden = base64.b64encode(b"it was 10:05:03 then").decode()
    assert redact_value(hidden).text == hidden


def test_quoting_may_be_done_twice_but_not_for_ever() -> None:
    text = "jane=40example.com"
    for _ in range(5):
        text = text.replace("=", "=3D")
    assert redact_value(text).text == text
    assert redact_value("jane=3D40example.com").counts == {"EMAIL": 1}


def test_an_encoding_within_another_is_found() -> None:
    inner = base64.b64encode(b"jane%40example.com").decode()
    outer = base64.b64encode(f"x={inner}".encode()).decode()
    assert redact_value(f"got {outer}").text == "got [REDACTED:EMAIL]"


def test_a_marker_of_no_kind_hides_nothing() -> None:
    assert redact_value("[REDACTED:4111111111111111]").text == "[REDACTED:[REDACTED:CARD]]"


def test_a_known_marker_is_not_looked_at_again() -> None:
    text = "a [REDACTED:URL_CREDENTIALS] b [REDACTED:SECRET]=x"
    assert redact_value(text).text == text


def test_lone_surrogates_and_separators_do_not_hide_anything() -> None:
    assert redact_value("\ud800 jane@example.com").counts == {"EMAIL": 1}
    assert redact_value("jane\x1e@example.com").counts == {"EMAIL": 1}


def test_markers_that_make_new_hits_are_followed_up() -> None:
    redactor = Redactor([Detector("A", "a"), Detector("B", "b b")])
    assert redactor.redact("b a b").text == "b [REDACTED:A] b"


def test_a_detector_that_never_comes_to_rest_does_not_pass() -> None:
    def grow(hit: Hit):
        yield hit.start, hit.start

    redactor = Redactor([Detector("GROW", "x", grow)])
    assert redactor.redact("x").text == UNSCANNED


def test_a_batch_names_only_the_texts_with_hits() -> None:
    texts = [
        "clean",
        "jane@example.com",
        "",
        "ja%6ee@example.com",
        "deadbeefcafe0001",
        "x" * 70_000,
    ]
    found = scan_batch(texts)
    assert {place: result.text for place, result in found.items()} == {
        1: "[REDACTED:EMAIL]",
        3: "[REDACTED:EMAIL]",
        5: UNSCANNED,
    }


def test_a_batch_does_not_read_across_texts() -> None:
    assert scan_batch(["jane@", "example.com", "123-45-", "6789"]) == {}


def test_a_batch_with_every_sign_is_not_scanned_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[str] = []
    real = Redactor.redact

    def redact(self: Redactor, text: str):
        looked_at.append(text)
        return real(self, text)

    monkeypatch.setattr(Redactor, "redact", redact)
    hidden = base64.b64encode(b"jane@example.com").decode()
    found = scan_batch(["clean", "1 %41", hidden, "é", "d41d8cd98f00b204e9800998ecf8427e"])
    assert list(found) == [2]
    assert looked_at == ["1 %41", hidden, "é"]


def test_an_empty_batch() -> None:
    assert scan_batch([]) == {}


def test_a_batch_that_cannot_be_joined_is_scanned_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> set[int]:
        raise MemoryError

    monkeypatch.setattr(Redactor, "_suspicious", fail)
    assert list(scan_batch(["clean", "jane@example.com"])) == [1]


def test_own_patterns_do_not_read_across_the_texts_of_a_batch() -> None:
    redactor = custom_redactor({"MINE": "(?s)a.*b"})
    assert list(redactor.scan_batch(["a", "x b", "ab", "a-b"])) == [2, 3]


def test_surrogates_in_a_batch() -> None:
    assert list(scan_batch(["\ud800", "jane@example.com"])) == [1]
