"""`auditroll up`: run the collector and the console."""

import argparse
from pathlib import Path

from auditroll.errors import PolicyError


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(".data"),
        metavar="DIR",
        help="folder of evidence, vault and keys; made when absent (default: %(default)s)",
    )
    parser.add_argument(
        "--listen",
        default="127.0.0.1:8600",
        metavar="HOST:PORT",
        help="address; port 0 takes a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--ready-file",
        type=Path,
        metavar="FILE",
        help="written when it serves (default: DIR/run/ready.json)",
    )
    parser.add_argument("--tenant", default="default", help="first tenant's name")
    parser.add_argument("--installation", metavar="NAME", help="fixed at the first start")
    parser.add_argument("--seal-seconds", type=int, default=300, help="longest time unsealed")
    parser.epilog = "Example: auditroll up --data ./data --listen 127.0.0.1:8600"


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from auditroll.service import Settings, serve

    host, port = parse_address(arguments.listen)
    return serve(
        Settings(
            data=arguments.data.resolve(),
            host=host,
            port=port,
            ready_file=(arguments.ready_file or arguments.data / "run" / "ready.json").resolve(),
            tenant=arguments.tenant,
            installation=arguments.installation,
            seal_after_s=arguments.seal_seconds,
        )
    )


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`; an IPv6 host stands in brackets.

    Raises:
        PolicyError: `bad-address`: the text is no such address.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise PolicyError("bad-address", f"{text!r} is not HOST:PORT", hint="Try 127.0.0.1:8600.")
    return host, int(port)
