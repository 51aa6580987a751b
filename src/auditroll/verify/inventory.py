"""Which evidence files a data folder holds."""

import re
from collections.abc import Iterator
from typing import Final

from auditroll.verify.journal import JournalFile
from auditroll.verify.reader import Reader
from auditroll.verify.report import NO_STREAM, Finding

__all__ = ["Files", "journal_files", "segment_files", "stream_ids"]

_SEGMENT: Final = re.compile(r"streams/([0-9a-f]{32})/segments/([0-9]{20})-([0-9]{4})\.parquet")
_JOURNAL: Final = re.compile(r"journal/([0-9]{20})\.arj")
_STREAM: Final = re.compile(r"streams/([0-9a-f]{32})/.*")
# A server drops sealed journal files while they are being opened; it does not outrun this.
_ATTEMPTS: Final = 10


Files = dict[str, dict[int, tuple[int, str]]]
"""Generation and path of segment files, by stream and first index."""


def journal_files(reader: Reader, *, running: bool) -> tuple[list[JournalFile], list[Finding]]:
    """Open the journal's files, all of one moment.

    Args:
        reader: The folder.
        running: Whether a server may drop files meanwhile.

    Returns:
        The files in order, and what could not be opened.
    """
    files, findings = _opened(reader)
    for _ in range(_ATTEMPTS):
        if not (running and findings):
            break
        for file in files:
            file.close()
        files, findings = _opened(reader)
    return files, findings


def _opened(reader: Reader) -> tuple[list[JournalFile], list[Finding]]:
    matches = (_JOURNAL.fullmatch(path) for path in sorted(reader.list()))
    found = [(match[0], int(match[1])) for match in matches if match is not None]
    files: list[JournalFile] = []
    findings: list[Finding] = []
    for path, first in found:
        try:
            file = reader.open(path)
        except OSError:
            findings.append(Finding("missing", NO_STREAM, first, first, path))
            continue
        files.append(JournalFile(path, first, file, is_last=path == found[-1][0]))
    return files, findings


def segment_files(reader: Reader) -> Files:
    """Return, by stream and first index, the newest generation and path of each segment file."""
    found: Files = {}
    for path in sorted(reader.list()):
        match = _SEGMENT.fullmatch(path)
        if match is not None:
            found.setdefault(match[1], {})[int(match[2])] = (int(match[3]), path)
    return {stream: dict(sorted(files.items())) for stream, files in found.items()}


def stream_ids(reader: Reader) -> Iterator[str]:
    """Yield the streams that have a folder, each once."""
    matches = (_STREAM.fullmatch(path) for path in reader.list())
    yield from {match[1]: None for match in matches if match is not None}
