"""`auditroll agent`: ship the spools of every process on this host."""

import argparse
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from auditroll.ship import run_agent


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--credential", type=Path, required=True, metavar="FILE", help="the producer's file"
    )
    parser.add_argument(
        "--spool",
        type=Path,
        metavar="DIR",
        help="folder of all spools (default: AUDITROLL_SPOOL, or the user's state folder)",
    )
    parser.description = (
        "Applications that are instrumented with `ship=False` only write their spools; the agent\n"
        "sends what they and their dead predecessors wrote, each record until it is archived."
    )
    parser.epilog = (
        "Example: auditroll agent --credential producer.json --spool /var/spool/auditroll"
    )


def run(arguments: argparse.Namespace) -> int:
    """Ship until interrupted."""
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    shipper = run_agent(arguments.credential, spool_root=arguments.spool, stop=stop)
    health = shipper.health
    print(
        f"stopped: {health.acknowledged:,} acknowledged, {health.pending_octets:,} octets wait",
        file=sys.stderr,
    )
    return 0
