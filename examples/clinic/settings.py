"""What each process of the clinic is told by its environment."""

import os
from pathlib import Path
from typing import Final

__all__ = ["APPOINTMENTS_URL", "CREDENTIAL", "QUEUE_FILE", "SPOOL", "TRUSTED"]

CREDENTIAL: Final = Path(os.environ["CLINIC_CREDENTIAL"])
SPOOL: Final = Path(os.environ["CLINIC_SPOOL"])
QUEUE_FILE: Final = Path(os.environ["CLINIC_QUEUE"])
APPOINTMENTS_URL: Final = os.environ.get("CLINIC_APPOINTMENTS_URL", "")
# nginx and the clinic's own services connect from this host.
TRUSTED: Final = ("127.0.0.1",)
