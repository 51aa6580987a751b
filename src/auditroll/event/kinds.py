"""Types of the record's fields; every field may be absent."""

from typing import TypeAlias

from msgspec import UnsetType

from auditroll.event.envelope import Envelope

__all__ = ["Counts", "Flag", "Identity", "Text", "Texts", "Whole"]

Text: TypeAlias = str | UnsetType
Texts: TypeAlias = list[str] | UnsetType
Whole: TypeAlias = int | UnsetType
Flag: TypeAlias = bool | UnsetType
Counts: TypeAlias = dict[str, int] | UnsetType
Identity: TypeAlias = str | Envelope | UnsetType
