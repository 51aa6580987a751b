"""Shipping: spooled records to the collector, each until it is archived there."""

from auditroll.ship.agent import run_agent
from auditroll.ship.health import ShipperHealth
from auditroll.ship.shipper import Shipper
from auditroll.ship.tuning import Tuning

__all__ = ["Shipper", "ShipperHealth", "Tuning", "run_agent"]
