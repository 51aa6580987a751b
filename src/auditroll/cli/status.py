"""`auditroll status`: tell what runs and what lags."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any, cast

from auditroll.cli.client import add_connection, connect
from auditroll.cli.output import print_json, printable


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_connection(parser)
    parser.epilog = "Example: auditroll status --ready-file run/ready.json"


def run(arguments: argparse.Namespace) -> int:
    """Print the state; exit 1 if the collector calls itself unhealthy."""
    status = connect(arguments).get("/v1/status")
    if arguments.json:
        print_json(status)
    else:
        for name, value in _flat(status):
            print(f"{name:<32}{printable(value)}")
    return 0 if status["healthy"] else 1


def _flat(status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in status.items():
        if isinstance(value, dict):
            inner = _flat(cast("dict[str, Any]", value))
            yield from ((f"{name}.{below}", text) for below, text in inner)
        elif isinstance(value, list):
            yield name, ", ".join(cast("list[str]", value))
        else:
            yield name, str(value)
