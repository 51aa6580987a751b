"""A small log, bundled: two tenants, all facts that excuse, and room for every defect."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from auditroll.event.canonical import encode
from auditroll.event.fields import SLOTS
from auditroll.event.times import format_time
from auditroll.tlog import (
    ZERO_HASH,
    Checkpoint,
    Frontier,
    Hidden,
    Line,
    Signer,
    Tile,
    encode_line,
    make_leaf,
    seal_record,
    tile_path,
)
from auditroll.tlog.slots import commitment, salts

INSTALLATION = "log.example/test"
SECRET = bytes(range(32))
START_MS = 1_790_000_000_000
DAY_MS = 86_400_000

Files = dict[str, bytes]
Fact = Mapping[str, Any]


def stream_id(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


ROOT, LEDGER, DATA = stream_id("root"), stream_id("ledger"), stream_id("data")


@dataclass
class Stream:
    """One stream, growing."""

    stream: str
    tenant: str = ""
    lines: list[Line] = field(default_factory=list)
    frontier: Frontier = field(default_factory=Frontier)
    last_hash: bytes = ZERO_HASH

    def append(self, record: Fact, received_ms: int = START_MS) -> Line:
        seed = hashlib.sha256(f"{self.stream} {len(self.lines)}".encode()).digest()[:16]
        wanted = {"event_id": "01900000-0000-7000-8000-000000000000", **record}
        if self.tenant:
            wanted["tenant_id"] = self.tenant
        public, slots, sealed = seal_record(wanted, seed)
        leaf = make_leaf(
            public,
            stream=self.stream,
            index=len(self.lines),
            prev_hash=self.last_hash.hex(),
            sealed=sealed,
            received_at=format_time(received_ms),
        )
        line = Line(leaf=leaf, seed=seed, slots=slots)
        self.lines.append(line)
        self.last_hash = line.leaf_hash()
        self.frontier.append_many([self.last_hash])
        return line

    @property
    def size(self) -> int:
        return self.frontier.size

    def checkpoint(self, secret: bytes = SECRET) -> str:
        origin = f"{INSTALLATION}/{self.stream}"
        head = Checkpoint(origin, self.size, self.frontier.root())
        return head.sign([Signer(origin, secret)])

    def listing(self) -> dict[str, Any]:
        return {"root": self.frontier.root().hex(), "size": self.size, "stream": self.stream}

    def seal_of(self, first: int, count: int, received_ms: int) -> dict[str, Any]:
        """Return the seal of [first, first + count), as of now or earlier."""
        frontier = Frontier()
        frontier.append_many([line.leaf_hash() for line in self.lines[: first + count]])
        return {
            "event_type": "ledger.seal",
            "target_stream": self.stream,
            "data_class": "standard",
            "first_index": first,
            "count": count,
            "generation": 0,
            "tree_root": frontier.root().hex(),
            "compact_range": [hash_.hex() for hash_ in frontier.compact_range()],
            "last_leaf_hash": self.lines[first + count - 1].leaf_hash().hex(),
            "received_max": format_time(received_ms),
        }


def genesis(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {"event_type": "ledger.genesis", "stream_kind": kind}
    return found | ({"data_class": "standard"} if kind == "data" else {})


def request(number: int) -> dict[str, Any]:
    return {
        "event_type": "http.request",
        "latency_ms": number,
        "user_id": "anonymous",
        "user_agent": f"agent {number}",
        "route": "/patients/{id}",
    }


class Log:
    """Root, one ledger, one data stream of `count` records and its genesis."""

    def __init__(self, count: int = 9) -> None:
        self.root = Stream(ROOT)
        self.ledger = Stream(LEDGER, "clinic")
        self.data = Stream(DATA, "clinic")
        self.streams = [self.root, self.ledger, self.data]
        self.now_ms = START_MS
        self.root.append(genesis("root"))
        self.ledger.append(genesis("ledger"))
        self.data.append(genesis("data"))
        for number in range(count):
            self.data.append(request(number), self.now_ms + number)

    def fact(self, event_type: str, **fields: Any) -> None:
        self.ledger.append({"event_type": event_type, **fields}, self.now_ms)

    def list_heads(self, streams: Iterable[Stream] | None = None) -> None:
        heads = [stream.listing() for stream in streams or self.streams[1:]]
        record = {"event_type": "root.heads", "heads": heads, "part": 1, "parts": 1}
        self.root.append(record, self.now_ms)

    def trust(self, **changes: Any) -> dict[str, Any]:
        return {
            "format": "auditroll-trust/1",
            "installation": INSTALLATION,
            "keys": [{"alg": "ed25519", "public": Signer("x", SECRET).public.hex()}],
            "root_stream": ROOT,
            "streams": [
                {"min_size": stream.size, "stream": stream.stream} for stream in self.streams
            ],
            **changes,
        }

    def files(self, trust: Mapping[str, Any] | None = None) -> Files:
        """Return the bundle's files, without a manifest."""
        found = {"trust.json": encode(trust or self.trust())}
        for stream in self.streams:
            found[f"streams/{stream.stream}/checkpoint"] = stream.checkpoint().encode()
            found[records_path(stream.stream)] = b"".join(map(encode_line, stream.lines))
        return found


def records_path(stream: str, first: int = 0) -> str:
    return f"streams/{stream}/records/{first:020d}.ndjson"


def listed(count: int = 9) -> Log:
    """Return a log that is ready to be bundled."""
    log = Log(count)
    log.list_heads()
    return log


def with_manifest(files: Files) -> Files:
    """Return the bundle with its manifest."""
    entries = [
        {"bytes": len(data), "path": path, "sha256": hashlib.sha256(data).hexdigest()}
        for path, data in sorted(files.items())
    ]
    manifest = {
        "created": format_time(START_MS),
        "files": entries,
        "format": "auditroll-bundle/1",
    }
    return files | {"manifest.json": encode(manifest)}


def edited(files: Files, path: str, edit: Callable[[list[bytes]], Sequence[bytes]]) -> Files:
    """Return the files with the lines of one of them edited."""
    lines = files[path].splitlines(keepends=True)
    return files | {path: b"".join(edit(lines))}


def hidden(line: Line, why: str, *slots: str) -> bytes:
    """Return a line with slots hidden."""
    assert line.seed is not None
    known = dict(zip(SLOTS, salts(line.seed), strict=True))
    marker = "[REDACTED:EMAIL]" if why == "redacted" else None
    return encode_line(
        Line(
            leaf=line.leaf,
            slots={name: fields for name, fields in line.slots.items() if name not in slots},
            hidden={
                slot: Hidden(commitment(known[slot], line.slots.get(slot, {})).hex(), why, marker)
                for slot in slots
            },
            salts={name: salt for name, salt in known.items() if name not in slots},
        )
    )


def commitment_of(line: Line, slot: str) -> str:
    assert line.seed is not None
    known = dict(zip(SLOTS, salts(line.seed), strict=True))
    return commitment(known[slot], line.slots.get(slot, {})).hex()


def tile_file(stream: Stream, width: int) -> tuple[str, bytes]:
    """Return path and octets of the stream's first tile."""
    octets = b"".join(line.leaf_hash() for line in stream.lines[:width])
    return f"streams/{stream.stream}/{tile_path(Tile(0, 0, width))}", octets
