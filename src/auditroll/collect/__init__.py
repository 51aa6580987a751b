"""From a batch to journal frames: authenticate, deduplicate, judge, make durable, answer."""

from auditroll.collect.collector import Collector
from auditroll.collect.delivery import Delivery, EpochState
from auditroll.collect.epochs import Epochs
from auditroll.collect.findings import Finding, Findings
from auditroll.collect.intervals import IntervalSet
from auditroll.collect.own import OwnEvents
from auditroll.collect.room import Room
from auditroll.collect.upkeep import Upkeep

__all__ = [
    "Collector",
    "Delivery",
    "EpochState",
    "Epochs",
    "Finding",
    "Findings",
    "IntervalSet",
    "OwnEvents",
    "Room",
    "Upkeep",
]
