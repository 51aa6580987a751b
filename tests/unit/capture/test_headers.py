from hypothesis import given
from hypothesis import strategies as st

from auditroll.capture.headers import read_headers, scheme_of, user_agent_text
from auditroll.event.grammar import GRAMMARS


def test_only_the_wanted_headers_are_looked_at():
    headers = [(b"cookie", b"sid=1"), (b"x-forwarded-for", b"a"), (b"x-forwarded-for", b"b")]
    assert read_headers(headers) == {b"x-forwarded-for": b"a,b"}


def test_a_scheme_is_not_a_credential():
    assert scheme_of(b"Bearer abc") == "bearer"
    assert scheme_of(b"bAsIc abc") == "basic"
    assert scheme_of(b"abc") == "other"
    assert scheme_of(b"") == "other"


def test_a_forged_line_stays_in_one():
    assert user_agent_text(b"a\r\n10.0.0.1 - - GET") == "a  10.0.0.1 - - GET"


def test_other_encodings_are_read_as_latin_1():
    assert user_agent_text(b"caf\xe9") == "caf\u00e9"


def test_a_cut_through_a_character_takes_only_that_character():
    assert user_agent_text(b"a" + "\U0001f600".encode() * 400) == "a" + "\U0001f600" * 255


@given(st.binary(max_size=2_000))
def test_whatever_comes_fits_the_record(value):
    assert GRAMMARS["TEXT256"](user_agent_text(value))
