"""Exported bundles, edited by somebody who can make every manifest anew."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.unit.verify.bundles import with_manifest

Edit = Callable[[list[bytes]], Sequence[bytes]]


def records_of(bundle: Path, stream: str) -> list[bytes]:
    """Return a stream's lines, in the order of its files."""
    files = sorted((bundle / "streams" / stream / "records").iterdir())
    return [line for path in files for line in path.read_bytes().splitlines(keepends=True)]


def edited_copy(bundle: Path, to: Path, stream: str, edit: Edit) -> Path:
    """Write a bundle whose one stream is edited and whose manifest is right again."""
    files = {
        str(path.relative_to(bundle)): path.read_bytes()
        for path in bundle.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    prefix = f"streams/{stream}/records/"
    lines = records_of(bundle, stream)
    for path in [path for path in files if path.startswith(prefix)]:
        del files[path]
    kept = b"".join(edit(lines))
    if kept:
        files[f"{prefix}{0:020d}.ndjson"] = kept
    for path, octets in with_manifest(files).items():
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        (to / path).write_bytes(octets)
    return to


def tree_root(lines: Sequence[bytes]) -> bytes:
    """Return the RFC 6962 root over a bundle's lines, by hashlib alone."""
    leaves = [json.loads(line)["leaf"].encode() for line in lines]
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    return _subtree(level)


def _subtree(hashes: Sequence[bytes]) -> bytes:
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    left, right = _subtree(hashes[:split]), _subtree(hashes[split:])
    return hashlib.sha256(b"\1" + left + right).digest()
