"""The reference says what the code does."""

import re
from pathlib import Path

import pytest

from tests.docs.generate import PAGES, ROOT, cli_page, errors_page

DOCS = ROOT / "docs"


@pytest.mark.parametrize(("page", "made"), [("cli.md", cli_page), ("errors.md", errors_page)])
def test_generated_pages_are_current(page: str, made: object) -> None:
    written = (PAGES / page).read_text(encoding="utf-8")
    assert written == made(), "run: python -m tests.docs.generate"


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda p: str(p.relative_to(DOCS)))
def test_relative_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_readme_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target


def test_no_page_names_a_machine_or_a_registry() -> None:
    hosts = re.compile(r"pypi\.org|files\.pythonhosted|registry\.npmjs|/work/|/home/|/tmp/")
    for path in [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"]:
        assert not hosts.search(path.read_text(encoding="utf-8")), path
