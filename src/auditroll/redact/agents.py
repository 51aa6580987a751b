"""User agents: read as products and versions, so that `18.0.855.0` is not taken for an address."""

import re
from typing import Final

from auditroll.redact.found import Redacted
from auditroll.redact.redactor import Redactor

__all__ = ["MAX_AGENT_CHARACTERS", "clean_agent"]

# Format reference section 5.2, user_agent.
MAX_AGENT_CHARACTERS: Final = 256

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
# A version behind a product's name: numbers of at most eight digits, so that no card fits.
_END: Final = r"(?=[\s;),]|$)"
_VERSION: Final = re.compile(
    r"(?<=[A-Za-z0-9])/[0-9]{1,8}(?:[._][0-9]{1,8}){0,6}"
    r"(?:[a-z][0-9]{0,3}|-(?:alpha|beta|rc|dev)[0-9.]{0,4})?"
    + _END
    + r"|\brv:[0-9]{1,4}(?:\.[0-9]{1,6}){0,4}"
    + _END
    + r"|\b(?:OS X|OS|NT|Android|Linux|Version|iOS|Windows|CrOS [a-z0-9_]+)"
    r" [0-9]{1,5}(?:[._][0-9]{1,5}){0,4}" + _END
)


def clean_agent(raw: str, redactor: Redactor) -> Redacted:
    """Return a user agent on one line, cut to 256 characters, without personal data.

    Args:
        raw: The header as received.
        redactor: Scans everything but the versions.

    Source: RFC 9110 section 10.1.5.
    """
    line = " ".join(_CONTROL.sub(" ", raw[: 16 * MAX_AGENT_CHARACTERS]).split())
    result = redactor.redact(line, hide=_VERSION)
    return Redacted(_cut(result.text), result.counts)


def _cut(text: str) -> str:
    """Cut at 256 characters, never within a marker."""
    if len(text) <= MAX_AGENT_CHARACTERS:
        return text
    kept = text[:MAX_AGENT_CHARACTERS]
    opened = kept.rfind("[")
    split = text.startswith("[REDACTED:", opened) and "]" not in kept[opened:]
    return kept[:opened].rstrip() if opened >= 0 and split else kept
