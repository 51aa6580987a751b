"""User agents: versions are no addresses, but a smuggled value is found."""

import pytest

from auditroll.redact import clean_user_agent, redact_value
from tests.support import CORPORA, needs_corpora


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.12; rv:49.0) Gecko/20100101 Firefox/49.0",
        "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/535.1 Chrome/18.0.855.0 Safari/535.1",
        "Mozilla/5.0 (Linux; Android 4.4.2; SM-T230) Version/4.0.0.1 Chrome/120.0.6099.230",
        "curl/8.4.0",
        "python-requests/2.31.0",
        "Opera/9.80 (X11; Linux x86_64; U; en) Presto/2.10.289 Version/12.01",
    ],
)
def test_versions_stay(agent: str) -> None:
    assert clean_user_agent(agent).text == agent
    assert clean_user_agent(agent).counts == {}


def test_s7_a_forged_line_stays_one_line() -> None:
    forged = 'Mozilla/5.0\r\n10.0.0.1 - - [x] "GET / HTTP/1.1" 200 1\x00'
    cleaned = clean_user_agent(forged)
    assert cleaned.text == 'Mozilla/5.0 [REDACTED:IP] - - [x] "GET / HTTP/1.1" 200 1'
    assert cleaned.counts == {"IP": 1}


def test_personal_values_in_an_agent_are_redacted() -> None:
    assert clean_user_agent("bot (jane@example.com) 10.1.2.3").counts == {"EMAIL": 1, "IP": 1}
    assert clean_user_agent("x/4111111111111111").counts == {"CARD": 1}


def test_an_agent_is_cut_but_never_within_a_marker() -> None:
    assert clean_user_agent("a" * 300).text == "a" * 256
    assert clean_user_agent("b" * 250 + " jane@example.com").text == "b" * 250
    assert clean_user_agent("x@example.com " + "c" * 300).text.startswith("[REDACTED:EMAIL] ccc")
    assert len(clean_user_agent("d" * 240 + " x@example.com").text) <= 256


@needs_corpora
@pytest.mark.corpora
def test_real_agents_hold_no_addresses() -> None:
    log = CORPORA / "logs" / "apache" / "elastic_apache_combined.log"
    agents = {line.split('"')[-2] for line in log.read_text().splitlines()}
    assert len(agents) > 200
    for agent in agents:
        cleaned = clean_user_agent(agent)
        assert set(cleaned.counts) <= {"URL", "EMAIL"}, agent
        assert redact_value(cleaned.text).counts == {}, agent
