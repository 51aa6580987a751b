"""Read a producer's credential from its file."""

import os
import stat
from pathlib import Path

from auditroll.errors import PolicyError
from auditroll.wire import ProducerCredential

__all__ = ["load_credential"]

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def load_credential(path: Path | str) -> ProducerCredential:
    """Return the credential in a file that only its owner may read.

    Raises:
        PolicyError: `credential-missing`; `credential-exposed`, others may read the file;
            `bad-credential`.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise PolicyError(
            "credential-missing",
            f"the credential {path} cannot be read: {error.strerror}",
            hint="Name the file that `auditroll up` or `auditroll producer create` wrote.",
        ) from error
    with os.fdopen(fd, "rb") as file:
        if os.fstat(fd).st_mode & _OTHERS:
            raise PolicyError(
                "credential-exposed",
                f"others than its owner may read {path}",
                hint=f"chmod 600 {path}",
            )
        return ProducerCredential.decode(file.read())
