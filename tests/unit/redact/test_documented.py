"""The pages name what the code does."""

import re

from auditroll.redact import DETECTORS, UNSCANNED, custom_redactor
from auditroll.redact.keys import KEY_KINDS
from tests.support import ROOT

PAGE = (ROOT / "docs" / "reference" / "detectors.md").read_text(encoding="utf-8")


def test_every_kind_is_documented() -> None:
    kinds = {detector.kind for detector in DETECTORS} | KEY_KINDS | {UNSCANNED}
    rows = "".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `"))
    assert set(re.findall("`([A-Z_]+)`", rows)) == kinds


def test_the_example_of_an_own_pattern() -> None:
    redactor = custom_redactor({"EMPLOYEE_ID": r"\bEMP-[0-9]{6}\b"})
    assert redactor.redact("by EMP-004711").text == "by [REDACTED:EMPLOYEE_ID]"
