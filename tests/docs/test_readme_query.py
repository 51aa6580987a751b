"""The README's query verifies a real chain, and finds a broken one."""

import re
import secrets
from pathlib import Path

import duckdb

from auditroll.segment import SegmentMeta, decrypted, encode_segment
from auditroll.tlog import Line, leaf_hash, make_leaf, seal_record
from tests.support import ROOT

STREAM = "a" * 32


def query(segment: Path) -> str:
    found = re.search(r"```sql\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert found
    return found[1].replace("segment.parquet", str(segment))


def chain(length: int) -> list[Line]:
    lines: list[Line] = []
    previous = bytes(32)
    for index in range(length):
        record = {"event_type": "http.request", "event_id": f"e{index}", "user_id": "anonymous"}
        record["timestamp"] = "2026-01-01T00:00:00.000Z"
        seed = secrets.token_bytes(16)
        public, slots, sealed = seal_record(record, seed)
        leaf = make_leaf(
            public,
            stream=STREAM,
            index=index,
            prev_hash=previous.hex(),
            sealed=sealed,
            received_at="2026-01-01T00:00:01.000Z",
        )
        previous = leaf_hash(leaf)
        lines.append(Line(leaf=leaf, seed=seed, slots=slots))
    return lines


def broken_links(lines: list[Line], folder: Path) -> int:
    key = secrets.token_bytes(32)
    meta = SegmentMeta(STREAM, 0, len(lines), 0, "segment-1")
    plain = folder / "plain.parquet"
    plain.write_bytes(decrypted(encode_segment(lines, meta, key), key))
    row = duckdb.connect().execute(query(plain)).fetchone()
    assert row is not None
    return int(row[0])


def test_an_honest_chain_has_no_broken_link(tmp_path: Path) -> None:
    assert broken_links(chain(300), tmp_path) == 0


def test_a_changed_leaf_breaks_one_link(tmp_path: Path) -> None:
    lines = chain(300)
    changed = lines[100].leaf.replace(b'"e100"', b'"e999"')
    lines[100] = Line(leaf=changed, seed=lines[100].seed, slots=lines[100].slots)
    assert broken_links(lines, tmp_path) == 1
