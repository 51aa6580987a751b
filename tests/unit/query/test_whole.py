"""L5: an export holds every row, and the root follows from what was exported alone."""

import pytest

from auditroll.query import Query
from auditroll.tlog.frontier import Frontier
from tests.unit.query.log import Log
from tests.unit.segment.records import request

STREAM = "a1" * 16


@pytest.mark.parametrize("size", [10_001, pytest.param(100_001, marks=pytest.mark.slow)])
def test_all_rows_and_all_lines_come_out(tmp_path, size):
    log = Log(tmp_path)
    log.open_stream(STREAM)
    log.append(STREAM, (request(number) for number in range(size)))
    for end in range(65_536, size, 65_536):
        log.seal(STREAM, end)
    log.seal(STREAM, size - 1_000)
    whole = Frontier()
    whole.append_many([line.leaf_hash() for line in log.lines[STREAM]])
    with log.engine() as engine:
        places = [row["index"] for row in engine.rows(Query("clinic", order="oldest"))]
        assert places == list(range(size))
        exported = Frontier()
        exported.append_many([line.leaf_hash() for line in engine.lines("clinic", STREAM)])
    assert (exported.size, exported.root()) == (size, whole.root())
