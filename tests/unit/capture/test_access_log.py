import logging
import logging.config

import pytest
from uvicorn.config import LOGGING_CONFIG
from uvicorn.logging import AccessFormatter

from auditroll.capture.access_log import guard_access_log

LOGGER = logging.getLogger("uvicorn.access")
ARGS = ("203.0.113.7:4711", "GET", "/patients/jane@example.com?token=s3cr3t", "1.1", 200)
FORM = '%s - "%s %s HTTP/%s" %d'


class Lines(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []
        self.setFormatter(AccessFormatter("%(client_addr)s %(request_line)s %(status_code)s"))

    def emit(self, record):
        self.lines.append(self.format(record))


@pytest.fixture
def lines():
    handler = Lines()
    yield handler
    guard_access_log("keep")
    LOGGER.removeHandler(handler)


def logged(handler, args=ARGS, form=FORM):
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.info(form, *args)
    return handler.lines


def test_path_query_and_address_are_withheld(lines):
    guard_access_log("redact")
    (line,) = logged(lines)
    assert "jane" not in line
    assert "s3cr3t" not in line
    assert "203.0.113.7" not in line
    assert "GET [REDACTED:PATH] HTTP/1.1" in line


def test_it_holds_after_the_server_configured_its_logging(lines):
    guard_access_log("redact")
    logging.config.dictConfig(LOGGING_CONFIG)
    (line,) = logged(lines)
    assert "jane" not in line


def test_off_keeps_nothing(lines):
    guard_access_log("off")
    assert logged(lines) == []


def test_keep_changes_nothing(lines):
    guard_access_log("redact")
    guard_access_log("keep")
    assert "jane" in logged(lines)[0]


def test_a_form_that_is_not_known_is_dropped(lines):
    guard_access_log("redact")
    lines.setFormatter(None)
    assert logged(lines, ("jane",), "%s") == []
