"""Loops that kill processes have their own idea of how long a test may take."""

import os

import pytest

LIMIT_S = 1200
FULL_LIMIT_S = 4 * 3600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    limit = FULL_LIMIT_S if "AUDITROLL_CRASH_RUNS" in os.environ else LIMIT_S
    for item in items:
        if item.get_closest_marker("crash"):
            item.add_marker(pytest.mark.timeout(limit))
