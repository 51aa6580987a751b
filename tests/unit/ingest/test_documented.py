"""The how-to names what the code does."""

import re

from auditroll.ingest import DEFAULT_MAPPING, MappingFile
from auditroll.ingest.mapping import SPECIAL
from tests.support import ROOT

PAGE = (ROOT / "docs" / "how-to" / "ingest-logs.md").read_text(encoding="utf-8")


def test_every_reason_is_documented() -> None:
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "src" / "auditroll" / "ingest").glob("*.py")
    )
    raised = set(re.findall(r'raise Unreadable\("([a-z-]+)"', source))
    raised |= {"no-request", "no-time"}
    section = PAGE.partition("## Reasons for quarantine")[2]
    assert set(re.findall(r"^\| `([a-z-]+)`", section, re.MULTILINE)) == raised


def test_every_special_target_is_documented() -> None:
    for name in SPECIAL:
        assert f"`{name}`" in PAGE


def test_the_example_is_a_mapping() -> None:
    example = PAGE.partition("```json\n")[2].partition("```")[0]
    assert MappingFile.decode(example.encode()).paths()["user_agent"] == (
        ("req", "headers", "User-Agent", "0"),
    )
    assert "timestamp" in DEFAULT_MAPPING.fields
