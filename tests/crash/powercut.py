"""Every state that a power cut may leave behind.

A `RecordingDisk` carries out what a `Disk` does and writes it down. `power_cuts` then stops at
every point of what was written down and keeps, of what was not yet synced, any part: a name
without its data, a later write without an earlier one, half a write, zeros in place of octets,
a rename undone. Small sets are tried exhaustively, larger ones are sampled, always the same way.

The model promises what `Disk` documents and nothing else: an octet survives after `datasync` of
its file, a name after `sync_dir` of its folder.
"""

import hashlib
import itertools
import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditroll.disk import DIR_MODE, Disk

__all__ = ["Cut", "RecordingDisk", "power_cuts"]

ROOT = 0


@dataclass(frozen=True)
class Name:
    """A name in a folder comes, goes or changes: `node` None removes it."""

    folder: int
    name: str
    node: int | None
    also: tuple["Name", ...] = ()


@dataclass(frozen=True)
class Write:
    """Octets of a file, at their offset."""

    node: int
    offset: int
    data: bytes


@dataclass(frozen=True)
class Truncate:
    """A file's end, moved."""

    node: int
    size: int


@dataclass(frozen=True)
class Sync:
    """What was done to `node` before, a file's octets or a folder's names, is durable."""

    node: int


@dataclass(frozen=True)
class Mark:
    """What the code under test promised at this point."""

    label: str
    value: Any


Step = Name | Write | Truncate | Sync | Mark


@dataclass
class Trace:
    """What was done, and what was there before.

    Args:
        files: Octets of the files that were there, by node.
        folders: Names of the folders that were there, by node.
        steps: In order.
    """

    files: dict[int, bytes] = field(default_factory=dict)
    folders: dict[int, dict[str, int]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)


class RecordingDisk(Disk):
    """The real disk, with a protocol of everything that changes `root`.

    Args:
        root: Existing folder; what it holds now counts as durable.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.trace = Trace()
        self._next = itertools.count(ROOT + 1)
        self._nodes: dict[Path, int] = {}
        self._sizes: dict[int, int] = {}
        self._open: dict[int, int] = {}
        self._learn(root, ROOT)

    def mark(self, label: str, value: Any = None) -> None:
        """Write down a promise that must hold after every later cut."""
        self.trace.steps.append(Mark(label, value))

    def create(self, path: Path) -> int:
        fd = super().create(path)
        node = self._new(path)
        self._sizes[node] = 0
        self.trace.files[node] = b""
        self._open[fd] = node
        self.trace.steps.append(Name(self._nodes[path.parent], path.name, node))
        return fd

    def reopen(self, path: Path) -> int:
        fd = super().reopen(path)
        self._open[fd] = self._nodes[path]
        return fd

    def write(self, fd: int, data: bytes) -> None:
        super().write(fd, data)
        node = self._open[fd]
        self.trace.steps.append(Write(node, self._sizes[node], bytes(data)))
        self._sizes[node] += len(data)

    def datasync(self, fd: int) -> None:
        super().datasync(fd)
        self.trace.steps.append(Sync(self._open[fd]))

    def truncate(self, fd: int, size: int) -> None:
        super().truncate(fd, size)
        node = self._open[fd]
        self._sizes[node] = size
        self.trace.steps.append(Truncate(node, size))

    def close(self, fd: int) -> None:
        super().close(fd)
        del self._open[fd]

    def sync_dir(self, folder: Path) -> None:
        super().sync_dir(folder)
        if folder in self._nodes:
            self.trace.steps.append(Sync(self._nodes[folder]))

    def make_dirs(self, folder: Path) -> None:
        missing = []
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for path in reversed(missing):
            path.mkdir(mode=DIR_MODE)
            node = self._new(path)
            self.trace.folders[node] = {}
            self.trace.steps.append(Name(self._nodes[path.parent], path.name, node))
            self.sync_dir(path.parent)

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        node = self._nodes[source]
        moved = {path: one for path, one in self._nodes.items() if path.is_relative_to(source)}
        for path, one in moved.items():
            del self._nodes[path]
            self._nodes[target / path.relative_to(source)] = one
        gone = Name(self._nodes[source.parent], source.name, None)
        come = Name(self._nodes[target.parent], target.name, node, also=(gone,))
        self.trace.steps.append(come)

    def remove(self, path: Path) -> None:
        super().remove(path)
        self._gone(path)

    def remove_dir(self, folder: Path) -> None:
        super().remove_dir(folder)
        self._gone(folder)

    def _gone(self, path: Path) -> None:
        self._nodes.pop(path)
        self.trace.steps.append(Name(self._nodes[path.parent], path.name, None))

    def _new(self, path: Path) -> int:
        node = next(self._next)
        self._nodes[path] = node
        return node

    def _learn(self, folder: Path, node: int) -> None:
        self._nodes[folder] = node
        names = self.trace.folders[node] = {}
        for path in sorted(folder.iterdir()):
            child = names[path.name] = self._new(path)
            if path.is_dir():
                self._learn(path, child)
            else:
                self.trace.files[child] = path.read_bytes()
                self._sizes[child] = len(self.trace.files[child])


@dataclass(frozen=True)
class Cut:
    """One state that may be found after the power came back.

    Args:
        at: How many steps had been taken.
        marks: What had been promised, in order.
        files: Octets by path.
        folders: Every folder.
    """

    at: int
    marks: tuple[Mark, ...]
    files: dict[Path, bytes]
    folders: frozenset[Path]

    def materialise(self, folder: Path) -> Path:
        """Put the state into `folder`, in place of whatever was there, and return it."""
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        for path in sorted(self.folders):
            (folder / path).mkdir(mode=DIR_MODE, exist_ok=True)
        for path, octets in self.files.items():
            (folder / path).write_bytes(octets)
        return folder

    def promised(self, label: str, default: Any = None) -> Any:
        """Return the value of the last mark of this label."""
        values = [mark.value for mark in self.marks if mark.label == label]
        return values[-1] if values else default

    def all_promised(self, label: str) -> list[Any]:
        """Return the values of all marks of this label."""
        return [mark.value for mark in self.marks if mark.label == label]


def power_cuts(trace: Trace, *, budget: int = 64) -> Iterator[Cut]:
    """Yield every different state that a cut may leave.

    Args:
        trace: Of a `RecordingDisk`.
        budget: States tried at one point; more than that are sampled.
    """
    seen: set[bytes] = set()
    for at in range(len(trace.steps) + 1):
        steps = trace.steps[:at]
        marks = tuple(step for step in steps if isinstance(step, Mark))
        for kept in _outcomes(steps, budget):
            files, folders = _replay(trace, kept)
            fingerprint = _fingerprint(files, folders, marks)
            if fingerprint not in seen:
                seen.add(fingerprint)
                yield Cut(at, marks, files, folders)


def _outcomes(steps: Sequence[Step], budget: int) -> Iterator[list[Step]]:
    """Yield what may have happened of each step, as steps."""
    choices = [_fates(step, durable=durable) for step, durable in _with_durability(steps)]
    total = math.prod(len(fates) for fates in choices)
    if total <= budget:
        for combination in itertools.product(*choices):
            yield [step for step in combination if step is not None]
        return
    for turn in range(budget):
        picked = (fates[_pick(turn, place, len(fates))] for place, fates in enumerate(choices))
        yield [step for step in picked if step is not None]


def _pick(turn: int, place: int, count: int) -> int:
    """Choose, evenly and always the same; the first two turns keep all and lose all."""
    if turn < 2:
        return 0 if turn == 0 else count - 1
    digest = hashlib.sha256(f"{turn}/{place}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % count


def _with_durability(steps: Sequence[Step]) -> list[tuple[Step, bool]]:
    """Return each step with whether a later sync of its node made it durable."""
    synced: set[int] = set()
    found: list[tuple[Step, bool]] = []
    for step in reversed(steps):
        if isinstance(step, Sync):
            synced.add(step.node)
        node = step.folder if isinstance(step, Name) else getattr(step, "node", None)
        found.append((step, node is None or node in synced))
    return found[::-1]


def _fates(step: Step, *, durable: bool) -> list[Step | None]:
    """Return what may become of a step: first that it is whole, last that it never was."""
    if durable:
        return [step]
    if not isinstance(step, Write):
        return [step, None]
    half = Write(step.node, step.offset, step.data[: len(step.data) // 2])
    zeros = Write(step.node, step.offset, bytes(len(step.data)))
    return [step, half, zeros, None]


def _replay(trace: Trace, steps: Sequence[Step]) -> tuple[dict[Path, bytes], frozenset[Path]]:
    contents = {node: bytearray(octets) for node, octets in trace.files.items()}
    names = {node: dict(entries) for node, entries in trace.folders.items()}
    for step in steps:
        if isinstance(step, Name):
            for change in (*step.also, step):
                _rename(names[change.folder], change)
        elif isinstance(step, Write):
            octets = contents[step.node]
            octets.extend(bytes(max(0, step.offset - len(octets))))
            octets[step.offset : step.offset + len(step.data)] = step.data
        elif isinstance(step, Truncate):
            octets = contents[step.node]
            del octets[step.size :]
            octets.extend(bytes(step.size - len(octets)))
    files: dict[Path, bytes] = {}
    folders: set[Path] = set()
    _walk(ROOT, Path(), names, contents, files, folders)
    return files, frozenset(folders)


def _rename(entries: dict[str, int], change: Name) -> None:
    if change.node is None:
        entries.pop(change.name, None)
    else:
        entries[change.name] = change.node


def _walk(
    node: int,
    path: Path,
    names: dict[int, dict[str, int]],
    contents: dict[int, bytearray],
    files: dict[Path, bytes],
    folders: set[Path],
) -> None:
    for name, child in names[node].items():
        if child in names:
            folders.add(path / name)
            _walk(child, path / name, names, contents, files, folders)
        else:
            files[path / name] = bytes(contents[child])


def _fingerprint(
    files: dict[Path, bytes], folders: frozenset[Path], marks: tuple[Mark, ...]
) -> bytes:
    digest = hashlib.sha256(repr((sorted(folders), marks)).encode())
    for path in sorted(files):
        digest.update(f"{path}\0{len(files[path])}\0".encode())
        digest.update(files[path])
    return digest.digest()
