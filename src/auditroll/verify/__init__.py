"""The verifier: from octets and a trust file to verdicts. It never raises for damage."""

from auditroll.verify.bundle import verify_bundle
from auditroll.verify.datadir import verify_installation
from auditroll.verify.reader import Reader
from auditroll.verify.readers import ArchiveReader, FolderReader
from auditroll.verify.report import Counts, Finding, Report
from auditroll.verify.trust import BadTrust, Trust

__all__ = [
    "ArchiveReader",
    "BadTrust",
    "Counts",
    "Finding",
    "FolderReader",
    "Reader",
    "Report",
    "Trust",
    "verify_bundle",
    "verify_installation",
]
