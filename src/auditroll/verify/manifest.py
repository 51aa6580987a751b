"""A bundle's manifest: the files that belong to it, and no other."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final, cast

from auditroll.event.canonical import Refused, decode_exact
from auditroll.verify.reader import Reader, blocks, read_file
from auditroll.verify.report import NO_STREAM, Finding

__all__ = ["MANIFEST", "check_manifest"]

MANIFEST: Final = "manifest.json"
MAX_MANIFEST_OCTETS: Final = 2**28
_FORMAT: Final = "auditroll-bundle/1"


def check_manifest(reader: Reader) -> Iterator[Finding]:
    """Yield what does not fit the manifest.

    Source: format reference, section 13, step 1.
    """
    present = set(reader.list()) - {MANIFEST}
    listed = _listed(reader)
    if listed is None:
        yield Finding("cannot-judge", NO_STREAM, 0, 0)
        return
    for path, entry in listed.items():
        if path not in present:
            yield Finding("missing", NO_STREAM, 0, 0, path)
        elif _measured(reader, path) != (entry["bytes"], entry["sha256"]):
            yield Finding("altered", NO_STREAM, 0, 0, path)
    for path in sorted(present - listed.keys()):
        yield Finding("altered", NO_STREAM, 0, 0, path)


def _listed(reader: Reader) -> Mapping[str, Mapping[str, Any]] | None:
    """Return the manifest's entries by path; None if there is no readable manifest."""
    try:
        octets = read_file(reader, MANIFEST, MAX_MANIFEST_OCTETS)
        found = decode_exact(octets, limit=MAX_MANIFEST_OCTETS)
        entries = cast("Sequence[dict[str, Any]]", found["files"])
        paths = [entry["path"] for entry in entries]
        sound = found["format"] == _FORMAT and type(found["files"]) is list
        sound = sound and all(type(path) is str for path in paths)
        sound = sound and all(entry.keys() == {"bytes", "path", "sha256"} for entry in entries)
        ordered = all(before < after for before, after in pairwise(paths))
    except (OSError, Refused, KeyError, TypeError, AttributeError):
        return None
    return dict(zip(paths, entries, strict=True)) if sound and ordered else None


def _measured(reader: Reader, path: str) -> tuple[int, str]:
    size, digest = 0, sha256()
    try:
        with reader.open(path) as file:
            for block in blocks(file):
                size += len(block)
                digest.update(block)
    except OSError:
        return -1, ""
    return size, digest.hexdigest()
