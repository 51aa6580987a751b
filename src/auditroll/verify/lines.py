"""Reading a stream's record files into its scan (format reference, section 13, step 4)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Final

from auditroll.tlog.line import MAX_LINE_OCTETS, BadLine, Line
from auditroll.verify.opening import LineOpener, Opened
from auditroll.verify.reader import blocks
from auditroll.verify.scan import Batch, HiddenSlot, StreamScan

__all__ = ["LineFeeder", "read_lines"]

_BATCH: Final = 4_096

OnLeaf = Callable[[dict[str, Any]], None]


class LineFeeder:
    """Opens lines, counts them, and hands them to the scan in batches that adjoin.

    Args:
        scan: Where they go.
        on_leaf: Called with each leaf in the order of the file.
    """

    def __init__(self, scan: StreamScan, on_leaf: OnLeaf | None = None) -> None:
        self._scan = scan
        self._on_leaf = on_leaf
        self._opener = LineOpener(scan.stream)
        self._first = 0
        self._hashes: list[bytes] = []
        self._prev_hashes: list[str | None] = []
        self._received: list[str | None] = []
        self._expected = 0
        self._top = 0

    def start_file(self, first: int) -> None:
        """Begin a file that says that its first line has this index."""
        self._expected = first

    def take(self, raw: bytes) -> None:
        """Take over one line without its LF."""
        try:
            opened = self._opener.open(raw)
        except BadLine:
            self.lose()
            return
        if opened.at < self._top and self._is_present(opened.at):
            self._scan.note("altered", opened.at, opened.at + 1)
            return
        self._place(opened)
        if not opened.holds:
            self._scan.note("altered", opened.at, opened.at + 1)
        if opened.line is not None:
            self._count_hidden(opened.at, opened.line)
        if opened.public is not None:
            self._scan.note_leaf(opened.at, opened.public)
            if self._on_leaf is not None:
                self._on_leaf(opened.public)

    def lose(self, verdict: str = "altered") -> None:
        """Note a line that cannot be read, at the index that it should have."""
        self._scan.hold(self._expected, self._expected + 1, verdict)
        self._expected += 1

    def flush(self) -> None:
        """Hand over what waits."""
        if self._hashes:
            batch = Batch(self._first, self._hashes, self._prev_hashes, self._received)
            self._hashes, self._prev_hashes, self._received = [], [], []
            self._scan.add(batch)

    def _place(self, opened: Opened) -> None:
        if opened.at != self._first + len(self._hashes) or len(self._hashes) >= _BATCH:
            self.flush()
        if not self._hashes:
            self._first = opened.at
        self._hashes.append(opened.leaf_hash)
        public = opened.public
        if public is None:
            self._scan.counts.leaf_only += 1
            self._prev_hashes.append(None)
            self._received.append(None)
        else:
            self._scan.counts.records += 1
            # What is absent or no text breaks the chain or the order, as it should.
            self._prev_hashes.append(str(public.get("prev_hash")))
            self._received.append(str(public.get("received_at", "")))
        self._expected = max(self._expected, opened.at + 1)
        self._top = max(self._top, opened.at + 1)

    def _is_present(self, index: int) -> bool:
        self.flush()
        return self._scan.has(index)

    def _count_hidden(self, index: int, line: Line) -> None:
        for slot, hidden in line.hidden.items():
            if hidden.why == "withheld":
                self._scan.counts.withheld += 1
            else:
                self._scan.counts.redacted += 1
                self._scan.hidden.append(HiddenSlot(index, slot, hidden.commitment))


def read_lines(feeder: LineFeeder, files: Iterable[tuple[int, BinaryIO]]) -> None:
    """Read record files in order.

    Args:
        feeder: Takes the lines.
        files: Index of the first line, and the open file, which is closed here.
    """
    for first, file in files:
        feeder.start_file(first)
        with file:
            for raw, whole in _split(file):
                if not whole:
                    feeder.lose("torn")
                elif len(raw) > MAX_LINE_OCTETS:
                    feeder.lose()
                else:
                    feeder.take(raw)
    feeder.flush()


def _split(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Yield each line without its LF, and whether it had one.

    Of a line that is too long only so much is kept that it shows.
    """
    rest = b""
    for block in blocks(file):
        lines = (rest + block).split(b"\n")
        rest = lines.pop()[: MAX_LINE_OCTETS + 1]
        for line in lines:
            yield line, True
    if rest:
        yield rest, False
