"""Reference pages that are made from the code: `python -m tests.docs.generate` writes them."""

import argparse
import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

from auditroll import errors
from auditroll.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "auditroll"
PAGES = ROOT / "docs" / "reference"
KINDS = {name for name in errors.__all__ if name != "Error"}


def cli_page() -> str:
    """The command line, from the parsers themselves."""
    parts = [
        "# Command line\n",
        "Every command has `--help`. Exit codes: 0 done, 1 refused or failed, 3 wrong usage, 130",
        "interrupted; `verify` has its own, below.\n",
    ]
    for name, summary in COMMANDS.items():
        parser = argparse.ArgumentParser(
            prog=f"auditroll {name}",
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=96),
        )
        parser.description = summary[0].upper() + summary[1:] + "."
        importlib.import_module(f"auditroll.cli.{name}").configure(parser)
        parts += [f"## `auditroll {name}`\n", "```text", parser.format_help().rstrip(), "```\n"]
    return "\n".join(parts)


def errors_page() -> str:
    """Every error code, from the places where it is raised."""
    rows = sorted(set(_raised()))
    parts = [
        "# Error codes\n",
        "Codes are stable. Over HTTP an error is an RFC 9457 problem with the members `type`",
        "(`urn:auditroll:error:<code>`), `title`, `status`, `code` and often `detail`.\n",
        "| code | kind | what happened | what to do |",
        "|---|---|---|---|",
        *(f"| `{code}` | {kind} | {text} | {hint} |" for code, kind, text, hint in rows),
    ]
    return "\n".join(parts) + "\n"


def _raised() -> Iterator[tuple[str, str, str, str]]:
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name in KINDS and len(node.args) >= 2 and _text(node.args[0]):
                    hint = next((_text(k.value) for k in node.keywords if k.arg == "hint"), "")
                    yield _text(node.args[0]), name, _text(node.args[1]), hint


def _text(node: ast.expr) -> str:
    """The literal text of an argument; what is filled in at run time stands as `…`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.replace("|", "\\|")
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(value) or "…" for value in node.values)
    return ""


def main() -> None:
    (PAGES / "cli.md").write_text(cli_page(), encoding="utf-8")
    (PAGES / "errors.md").write_text(errors_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
