"""A data folder verifies while its server appends, seals and drops journal files."""

import subprocess
import sys
from pathlib import Path

from tests.unit.verify.folders import verify

WRITER = """
import sys, time
from pathlib import Path
from auditroll import clock
from auditroll.seal import Sequencer, journal
from tests.unit.seal.support import TENANT, batch

journal.ROTATE_OCTETS = 20_000  # files come and go while others read them
log = Sequencer(Path(sys.argv[1]), installation="test.example", seal_after_s=0.2)
streams = [log.stream(tenant, "standard") for tenant in (TENANT, "lab")]
print("ready", flush=True)
number, end = 0, time.monotonic() + 60
while not Path(sys.argv[2]).exists() and time.monotonic() < end:
    now = clock.now_ms()
    for stream, tenant in zip(streams, (TENANT, "lab")):
        log.append([batch(stream, range(number, number + 40), now_ms=now, tenant=tenant)])
    number += 40
    if number % 120 == 0:
        log.tick()
print(number, len(list(Path(sys.argv[1], "streams").rglob("*.parquet"))), flush=True)
"""


def test_a_folder_in_use_is_ok_at_every_moment(tmp_path: Path) -> None:
    folder, stop = tmp_path / "data", tmp_path / "stop"
    command = [sys.executable, "-c", WRITER, str(folder), str(stop)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    seen: list[int] = []
    while len(seen) < 6 or len(list(folder.rglob("*.parquet"))) < 8:
        report = verify(folder, running=True)
        assert report.findings == []
        seen.append(report.counts.records)
    stop.touch()
    numbers, segments = writer.stdout.readline().split()
    writer.kill()
    writer.wait()
    assert seen == sorted(seen)
    assert seen[0] < seen[-1]
    assert int(numbers) > 0
    assert int(segments) >= 8
    # Killed, not stopped: what it left is verified without a start in between.
    report = verify(folder)
    assert report.findings == []
    assert report.counts.records >= seen[-1]
