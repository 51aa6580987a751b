"""The command line: one module a command, each of which parses, calls one function and prints.

Exit codes of every command but `verify` (whose codes are verdicts, see its help): 0 done, 1 the
request was refused or failed, 3 the command line was wrong, 130 interrupted.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

from auditroll.errors import Error

__all__ = ["main"]

EXIT_FAILED = 1
EXIT_USAGE = 3
EXIT_INTERRUPTED = 130

COMMANDS = {
    "up": "run the collector and the console",
    "ingest": "read an existing log into auditroll",
    "agent": "ship the spools of every process on this host",
    "search": "find records",
    "show": "show one record",
    "prove": "write the proof of one record",
    "streams": "list the streams and their heads",
    "status": "tell what runs and what lags",
    "export": "write an evidence bundle that verifies offline",
    "verify": "judge a data folder or an evidence bundle",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")


def _parser(command: str | None) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="auditroll",
        description="A tamper-evident, PII-free audit log for APIs and AI model calls.",
        epilog="Example: auditroll up --data ./data --listen 127.0.0.1:8600",
    )
    parser.add_argument("--version", action="version", version=f"auditroll {version('auditroll')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        # Only the command that runs is imported: `verify` must start without the server's extras.
        if name == command:
            module = importlib.import_module(f"auditroll.cli.{name}")
            module.configure(sub)
            sub.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    command = next((word for word in words if word in COMMANDS), None)
    try:
        arguments = _parser(command).parse_args(words)
        code: int = arguments.run(arguments)
    except Error as error:
        print(f"auditroll: {error.diagnostics()}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return EXIT_FAILED
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        print(f"auditroll: {name}{error.strerror or error}", file=sys.stderr)
        return EXIT_FAILED
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("auditroll"):
            raise
        print(
            f"auditroll: this command needs the server extra ({error.name} is not installed).\n"
            "Install it with: pip install 'auditroll[server]'",
            file=sys.stderr,
        )
        return EXIT_FAILED
    return code
