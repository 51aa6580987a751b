"""What one tenant registered beyond the format: types, grammars, fields, codes."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import re2  # type: ignore[import-untyped]

from auditroll.errors import PolicyError
from auditroll.event.grammar import GRAMMARS, Grammar

__all__ = ["UNREGISTERED", "Registry"]

# The package has no type information.
_re2 = cast("Any", re2)
_PATTERN_MEMORY_OCTETS: Final = 1 << 20


@dataclass(frozen=True, eq=False)
class Registry:
    """A tenant's registrations.

    Args:
        personal_types: Resource types whose ids name a person: stored as pseudonyms.
        grammars: Resource type to the grammar of its opaque part; other types pass as REF.
        ext_fields: Names that `ext` may hold; None for any.
        purposes: `x-` codes of `purpose_of_use`; None for any.
        event_types: `x.` event types; None for any.

    A registry is compared by identity; keep one a tenant.
    """

    personal_types: frozenset[str] = frozenset()
    grammars: Mapping[str, Grammar] | None = None
    ext_fields: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    event_types: frozenset[str] | None = None

    @classmethod
    def compile(
        cls,
        *,
        personal_types: Collection[str] = (),
        resource_grammars: Mapping[str, str] | None = None,
        ext_fields: Collection[str] = (),
        purposes: Collection[str] = (),
        event_types: Collection[str] = (),
    ) -> "Registry":
        """Return a registry of exactly these registrations.

        Args:
            personal_types: Resource types whose ids name a person.
            resource_grammars: Resource type to a regular expression in RE2's syntax, matched
                against the whole opaque part.
            ext_fields: Names that `ext` may hold.
            purposes: Codes of `purpose_of_use` that begin with `x-`.
            event_types: Event types that begin with `x.`.

        Raises:
            PolicyError: `resource-grammar`, an expression that RE2 does not take.
        """
        grammars = {name: _compiled(text) for name, text in (resource_grammars or {}).items()}
        return cls(
            frozenset(personal_types),
            grammars,
            frozenset(ext_fields),
            frozenset(purposes),
            frozenset(event_types),
        )

    def fits_reference(self, text: str) -> bool:
        """Tell whether `text` is a REF whose opaque part is of its type's grammar.

        Source: format reference, section 3, REF.
        """
        if not GRAMMARS["REF"](text):
            return False
        kind, _, opaque = text.partition(":")
        if kind in self.personal_types:
            return bool(GRAMMARS["PSEUDO"](opaque))
        grammar = self.grammars.get(kind) if self.grammars else None
        return grammar is None or bool(grammar(opaque))

    def is_personal(self, text: str) -> bool:
        """Tell whether a reference is of a personal type."""
        return text.partition(":")[0] in self.personal_types

    def allows(self, code: str) -> bool:
        """Tell whether an event type or a purpose is the format's own or registered."""
        if code.startswith("x."):
            return self.event_types is None or code in self.event_types
        if code.startswith("x-"):
            return self.purposes is None or code in self.purposes
        return True


UNREGISTERED: Final = Registry()
"""Knows nothing, so takes everything that the format's own grammars take."""


def _compiled(text: str) -> Callable[[str], object]:
    options = _re2.Options()
    options.max_mem = _PATTERN_MEMORY_OCTETS
    options.log_errors = False
    try:
        return cast("Grammar", _re2.compile(text, options).fullmatch)
    except _re2.error as error:
        raise PolicyError(
            "resource-grammar",
            f"the grammar {text!r} cannot be used",
            hint="Write it in RE2's syntax: no look-around, no back reference.",
        ) from error
