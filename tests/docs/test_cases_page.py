"""The page of reported faults names a test for each, and every test it names is there."""

import ast
import re
from pathlib import Path

from tests.support import ROOT

PAGE = ROOT / "docs" / "reference" / "cases.md"
CASES = [
    *(f"L{number}" for number in range(1, 11)),
    *(f"C{number}" for number in range(1, 9)),
    "C10",
    "C12",
    *(f"S{number}" for number in range(1, 6)),
]


def rows() -> dict[str, list[str]]:
    """Return the node ids of each case on the page."""
    found: dict[str, list[str]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"\| ([A-Z]\d+) \|", line):
            found[match[1]] = re.findall(r"`(tests/[^`]+::[^`]+)`", line)
    return found


def functions(path: Path) -> set[str]:
    """Return the tests of a file, those of a class as Class::name."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{one.name}" for one in node.body if hasattr(one, "name")}
    return {name for name in found if name.split("::")[-1].startswith("test_")}


def test_every_case_has_a_test() -> None:
    found = rows()
    assert [case for case in CASES if not found.get(case)] == []


def test_every_named_test_is_there() -> None:
    for ids in rows().values():
        for node in ids:
            path, _, name = node.partition("::")
            assert (ROOT / path).is_file(), node
            assert name in functions(ROOT / path), node
