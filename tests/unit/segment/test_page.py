"""The examples of docs/reference/segment.md run as they stand there."""

import re

import duckdb

from auditroll.keys import KeyStore
from auditroll.segment import SegmentMeta, encode_segment
from tests.support import ROOT
from tests.unit.segment.records import STREAM, lines_from, request

PAGE = ROOT / "docs" / "reference" / "segment.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_examples_run(tmp_path, capsys):
    lines = lines_from(request(number) for number in range(20))
    key = KeyStore(tmp_path / "keys").create("segment")
    segment = tmp_path / "segment.parquet"
    meta = SegmentMeta(STREAM, 0, 20, 0, key.id)
    segment.write_bytes(encode_segment(lines, meta, key.octets))
    names = {
        "data_folder": tmp_path,
        "segment_path": str(segment),
        "plain_path": tmp_path / "plain.parquet",
    }
    for example in blocks("python"):
        exec(example, names)
    assert "first_index=0, count=20" in capsys.readouterr().out
    (query,) = blocks("sql")
    with duckdb.connect() as connection:
        found = connection.execute(query.replace("plain.parquet", str(names["plain_path"])))
        assert found.fetchone() == (0,)
