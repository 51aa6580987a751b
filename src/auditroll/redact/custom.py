"""Patterns that a user adds: compiled by the linear engine or refused."""

import re
from collections.abc import Mapping
from typing import Final

from auditroll.errors import PolicyError
from auditroll.redact.catalogue import PERSONAL
from auditroll.redact.detector import SEPARATOR, Detector
from auditroll.redact.linear import Refusal, compile_linear
from auditroll.redact.redactor import Redactor
from auditroll.redact.secrets import SECRETS

__all__ = ["DETECTORS", "custom_redactor"]

# Everything that is looked for by default; of two hits in one place the earlier row names it.
DETECTORS: Final[tuple[Detector, ...]] = (*SECRETS, *PERSONAL)
MAX_PATTERN_CHARACTERS: Final = 1_000

_KIND: Final = re.compile(r"[A-Z0-9_]{1,32}")


def custom_redactor(patterns: Mapping[str, str]) -> Redactor:
    """Return a redactor that also looks for a user's own patterns.

    Args:
        patterns: Kind, as its marker will name it (`EMPLOYEE_ID`), to a pattern in re2 syntax. A
            group named `v` limits what is redacted.

    Raises:
        PolicyError: `pattern-refused`: not a kind's name; not in re2's syntax (look-around and
            back references need exponential time in the worst case); matches nothing or any text.
    """
    own = [_detector(*row) for row in patterns.items()]
    return Redactor((*own, *DETECTORS), joins=False)


def _detector(kind: str, pattern: str) -> Detector:
    if not _KIND.fullmatch(kind) or len(pattern) > MAX_PATTERN_CHARACTERS:
        raise _refused(kind, "its kind is not [A-Z0-9_]{1,32} or it is too long")
    try:
        compiled = compile_linear(pattern)
    except Refusal as error:
        raise _refused(kind, "the linear engine does not compile it") from error
    if compiled.search("") or compiled.search(SEPARATOR):
        raise _refused(kind, "it matches an empty text or a record separator")
    return Detector(kind, pattern)


def _refused(kind: str, why: str) -> PolicyError:
    return PolicyError(
        "pattern-refused",
        f"the pattern of {kind[:32]!r} is refused: {why}",
        hint="Write it in re2 syntax, without look-around and back references.",
        status=422,
    )
