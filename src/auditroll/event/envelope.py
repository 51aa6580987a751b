"""Identities as they stand on the wire."""

from msgspec import UNSET, Struct, UnsetType

__all__ = ["Envelope"]


class Envelope(Struct, omit_defaults=True, frozen=True, forbid_unknown_fields=True):
    """An identity on the wire: what the vault needs to give it a pseudonym (section 11).

    Args:
        c: HPKE encapsulated key and ciphertext, base64.
        e: Id of the vault's epoch key.
        l: Lookup: keyed hash of the identity, 64 hex digits.
        t: Resource type, where the stored value is `type:pseudonym`.
    """

    c: str
    e: str
    l: str  # noqa: E741  the wire name
    t: str | UnsetType = UNSET
