"""Evidence that leaves the installation: bundles that verify offline."""

from auditroll.export.bundle import BundleWriter

__all__ = ["BundleWriter"]
