"""Data keys and the signing key: made here, wrapped at rest, destroyed for good."""

from auditroll.keys.store import Key, KeyStore

__all__ = ["Key", "KeyStore"]
