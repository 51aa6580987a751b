"""auditroll: a tamper-evident, PII-free audit log for APIs and AI model calls.

The names below are what an application uses; they are imported when first asked for, so that
importing the package stays cheap for the verifier and the command line. Their types stand in the
stub beside this file.
"""

import importlib
from typing import Any

__all__ = ["Actor", "AuditExempt", "Route", "audit", "instrument"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("auditroll.capture"), name)
    raise AttributeError(f"module 'auditroll' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
