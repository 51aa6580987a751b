"""The embedded store: where evidence lies in a data folder."""

from auditroll.store.layout import DataFolder, SegmentName

__all__ = ["DataFolder", "SegmentName"]
