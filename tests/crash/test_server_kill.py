"""The whole server killed under load: nothing acknowledged is lost, nothing is there twice."""

import json
import secrets
import threading
import time
from pathlib import Path

import pytest
import urllib3

from auditroll.event import format_time, uuid7
from auditroll.wire import decode_answer, encode_batch
from tests.crash.runs import kills
from tests.e2e.server import Server, running, verify

pytestmark = pytest.mark.crash

BATCH = 50
WRITERS = 3


def line(epoch: str, seq: int) -> bytes:
    now = time.time_ns() // 1_000_000
    return json.dumps(
        {
            "action_type": "READ",
            "actor_type": "service",
            "environment": "test",
            "event_id": uuid7(now, secrets.token_bytes(10)),
            "event_type": "data.access",
            "outcome": "ok",
            "producer_epoch": epoch,
            "producer_seq": seq,
            "request_id": secrets.token_hex(16),
            "service_name": "crash",
            "success": True,
            "timestamp": format_time(now),
            "user_id": "anonymous",
        },
        separators=(",", ":"),
        sort_keys=True,
    ).encode()


class Writer(threading.Thread):
    """Sends batch after batch of one epoch and repeats what was not answered."""

    def __init__(self, epoch: str) -> None:
        super().__init__(daemon=True)
        self.epoch = epoch
        self.acknowledged = -1
        self.target: tuple[str, str] | None = None
        self.stopped = threading.Event()

    def run(self) -> None:
        pool = urllib3.PoolManager(retries=False, timeout=5)
        while not self.stopped.is_set():
            target, first = self.target, self.acknowledged + 1
            if target is None:
                time.sleep(0.01)
                continue
            batch = [line(self.epoch, first + offset) for offset in range(BATCH)]
            headers, body = encode_batch(batch, self.epoch, first)
            headers["Authorization"] = f"Bearer {target[1]}"
            try:
                answer = pool.request("POST", target[0], body=body, headers=headers)
            except urllib3.exceptions.HTTPError:
                time.sleep(0.01)
                continue
            if answer.status == 200:
                self.acknowledged = decode_answer(answer.data).durable_through


def target_of(server: Server) -> tuple[str, str]:
    key = json.loads(Path(server.ready["producer_key_file"]).read_bytes())["key"]
    return server.ready["ingest_url"], key


def test_kill_minus_nine_under_load(tmp_path: Path) -> None:
    data = tmp_path / "data"
    writers = [Writer(secrets.token_hex(16)) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    for _ in range(kills("server")):
        with running(data, "--seal-seconds", "1") as server:
            for writer in writers:
                writer.target = target_of(server)
            time.sleep(secrets.randbelow(1500) / 1000)
            server.kill()
    for writer in writers:
        writer.stopped.set()
        writer.join()
    with running(data) as server:
        found = server.run("search", "service_name=crash", "--limit", "0", "--json")
        server.stop()
    places: dict[str, list[int]] = {writer.epoch: [] for writer in writers}
    for row in map(json.loads, found.splitlines()):
        places[row["producer_epoch"]].append(row["producer_seq"])
    for writer in writers:
        seqs = sorted(places[writer.epoch])
        assert seqs == list(range(len(seqs))), "a hole or a repetition"
        assert len(seqs) > writer.acknowledged, "an acknowledged record is lost"
    assert sum(writer.acknowledged for writer in writers) > 0
    assert verify(data)["verdict"] == "ok"
