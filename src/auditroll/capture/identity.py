"""Who acts, as the framework's own authentication tells it, where the application did not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from auditroll.capture.context import ActorType, AuthMethod

__all__ = ["Actor", "Identify", "authenticated_user"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts in one request.

    Args:
        user_id: The identity as your system knows it.
        role: Role of the actor at this moment.
        auth_method: How the actor was authenticated.
        actor_type: Kind of actor.
        on_behalf_of: Identity of the person for whom the actor acts.
    """

    user_id: str
    role: str | None = None
    auth_method: AuthMethod | None = None
    actor_type: ActorType | None = None
    on_behalf_of: str | None = None

    def fields(self) -> dict[str, Any]:
        """Return the record's fields."""
        named = {
            "user_id": self.user_id,
            "user_role": self.role,
            "auth_method": self.auth_method,
            "actor_type": self.actor_type,
            "on_behalf_of": self.on_behalf_of,
        }
        return {name: value for name, value in named.items() if value is not None}


Identify = Callable[[Mapping[str, Any]], Actor | str | None]


def authenticated_user(scope: Mapping[str, Any]) -> Actor | None:
    """Return the user that Starlette's AuthenticationMiddleware found, None when nobody."""
    user = scope.get("user")
    if user is None or getattr(user, "is_authenticated", False) is not True:
        return None
    try:
        name = user.identity
    except NotImplementedError:  # Starlette's own SimpleUser has none
        name = user.display_name
    return Actor(str(name)) if name else None
