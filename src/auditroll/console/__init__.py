"""The console: static files that speak to the HTTP API; no page is built from a record."""

from auditroll.console.pages import CONTENT_SECURITY_POLICY, routes

__all__ = ["CONTENT_SECURITY_POLICY", "routes"]
