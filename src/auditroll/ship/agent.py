"""`auditroll agent`: one process of the host ships the spools of all the others."""

import threading
from pathlib import Path

from auditroll.recorder import load_credential
from auditroll.ship.shipper import Shipper
from auditroll.ship.tuning import Tuning
from auditroll.spool import default_root

__all__ = ["run_agent"]


def run_agent(
    credential: Path | str,
    *,
    spool_root: Path | None = None,
    stop: threading.Event | None = None,
    tuning: Tuning | None = None,
) -> Shipper:
    """Ship every spool of a producer until `stop` is set; then return the shipper.

    Args:
        credential: File of the producer's credential.
        spool_root: Folder of all spools; by default `AUDITROLL_SPOOL` or the user's state folder.
        stop: Ends the agent; without it, only an exception does.
        tuning: Sizes and times.

    Raises:
        PolicyError: The credential is unsafe or none.
    """
    path = Path(credential)
    shipper = Shipper(
        load_credential(path),
        spool_root or default_root(),
        tuning=tuning,
        reload=lambda: load_credential(path),
    )
    shipper.start()
    try:
        (stop or threading.Event()).wait()
    finally:
        shipper.close()
    return shipper
