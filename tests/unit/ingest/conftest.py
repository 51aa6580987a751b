"""A collector of one's own for each test."""

from collections.abc import Iterator

import pytest

from tests.unit.ingest.fake_collector import FakeCollector


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    collector = FakeCollector()
    yield collector
    collector.close()
