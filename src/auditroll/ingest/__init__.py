"""Existing logs into records: every line stored or quarantined with a reason, nothing dropped."""

from auditroll.ingest.api import FORMATS, STANDARD_INPUT, ingest_path, reader_for
from auditroll.ingest.entry import Entry, Unreadable
from auditroll.ingest.mapping import DEFAULT_MAPPING, TARGETS, MappingFile
from auditroll.ingest.tally import Notice, Summary

__all__ = [
    "DEFAULT_MAPPING",
    "FORMATS",
    "STANDARD_INPUT",
    "TARGETS",
    "Entry",
    "MappingFile",
    "Notice",
    "Summary",
    "Unreadable",
    "ingest_path",
    "reader_for",
]
