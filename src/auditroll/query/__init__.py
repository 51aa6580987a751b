"""Search over the unsealed tail and the sealed segments, with DuckDB."""

from auditroll.query.engine import Engine
from auditroll.query.installed import InstalledSource
from auditroll.query.model import MAX_LIMIT, Filter, Operator, Order, Page, Pinned, Query, Range
from auditroll.query.source import Snapshot, Source, StreamHead

__all__ = [
    "MAX_LIMIT",
    "Engine",
    "Filter",
    "InstalledSource",
    "Operator",
    "Order",
    "Page",
    "Pinned",
    "Query",
    "Range",
    "Snapshot",
    "Source",
    "StreamHead",
]
