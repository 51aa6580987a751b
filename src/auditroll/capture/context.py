"""What the application says about the request it is serving.

A `ContextVar` holds one mutable object per request: values set in a thread of the server's pool or
in a child task run in a copy of the context, and only a shared object brings them back.
"""

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Final, Literal

from auditroll.capture.propagation import Trace
from auditroll.capture.routes import Action

__all__ = ["ActorType", "AuthMethod", "Context", "Facade", "LawfulBasis", "current"]

ActorType = Literal["human", "service", "agent", "system"]
AuthMethod = Literal[
    "none", "password", "session", "bearer", "api_key", "mtls",
    "oidc", "saml", "webauthn", "basic", "hmac", "other",
]  # fmt: skip
LawfulBasis = Literal[
    "consent", "contract", "legal-obligation",
    "vital-interests", "public-task", "legitimate-interests",
]  # fmt: skip

MAX_REFERENCES: Final = 1_000_000  # 10,000 continuation records of 100


class Context:
    """One request, job or connection, while it runs.

    Args:
        request_id: The id its records share.
        trace: The trace it belongs to.
    """

    __slots__ = (
        "closed", "count", "fields", "late", "references", "request_id", "session", "trace",
        "unnamed",
    )  # fmt: skip

    def __init__(self, request_id: str, trace: Trace | None = None) -> None:
        self.request_id = request_id
        self.trace = trace
        # Owned by the application's code until `closed`, then by the writer of the record.
        self.fields: dict[str, Any] = {}
        self.references: list[str] = []
        self.unnamed = 0
        self.count: int | None = None
        self.session: str | None = None
        self.closed = False  # its record is written; what is said now comes too late
        self.late = 0


current: Final[ContextVar[Context | None]] = ContextVar("auditroll", default=None)


class Facade:
    """The part of `audit` that describes the present request.

    Outside a request or job, and after its record was written, each call does nothing: telling
    about a request must not be able to break it.
    """

    __slots__ = ()

    def actor(
        self,
        user_id: str,
        *,
        role: str | None = None,
        auth_method: AuthMethod | None = None,
        actor_type: ActorType | None = None,
        on_behalf_of: str | None = None,
        session: str | None = None,
    ) -> None:
        """Say who acts.

        Args:
            user_id: The identity as your system knows it, such as a user name. It leaves the
                process only encrypted for the collector's vault.
            role: Role of the actor at this moment.
            auth_method: How the actor was authenticated.
            actor_type: Kind of actor; `human` when not said.
            on_behalf_of: Identity of the person for whom the actor acts.
            session: Session id; only its keyed hash is kept.
        """
        _set(
            user_id=user_id,
            user_role=role,
            auth_method=auth_method,
            actor_type=actor_type,
            on_behalf_of=on_behalf_of,
        )
        context = current.get()
        if context is not None and session is not None:
            context.session = session

    def purpose(
        self,
        purpose: str,
        *,
        justification: str | None = None,
        lawful_basis: LawfulBasis | None = None,
    ) -> None:
        """Say why the data is used.

        Args:
            purpose: `treatment`, `payment`, `operations`, `break-glass`, `research`,
                `public-health`, `legal`, `security`, `support`, or `x-` and a name your tenant
                registered.
            justification: Reference like `INC-1042` or a UUID; required for `break-glass`.
            lawful_basis: Lawful basis under GDPR Article 6(1).
        """
        _set(purpose_of_use=purpose, justification_ref=justification, lawful_basis=lawful_basis)

    def resource(self, resource_type: str, resource_id: str | int) -> None:
        """Say which one resource is touched, like `("patient", "1274")`."""
        _set(resource_type=resource_type, resource_id=f"{resource_type}:{resource_id}")

    def resources(
        self, resource_type: str, ids: Iterable[str | int], *, count: int | None = None
    ) -> None:
        """Say which resources were handed out; further calls add to them.

        An answer that is streamed says it row by row, so that a record names what was delivered
        and not what matched.

        Args:
            resource_type: Their type.
            ids: Their ids, in the order of the answer.
            count: How many there are, where not all are named.
        """
        context = current.get()
        if context is None or context.closed:
            _late(context)
            return
        context.fields["resource_type"] = resource_type
        new = [f"{resource_type}:{one}" for one in ids]
        room = MAX_REFERENCES - len(context.references)
        context.references += new[:room]
        context.unnamed += len(new[room:])
        if count is not None:
            context.count = count

    def subject(self, subject_type: str, subject_id: str | int) -> None:
        """Say whom the data is about, where that is not the resource itself."""
        _set(subject_id=f"{subject_type}:{subject_id}")

    def action(self, action: Action) -> None:
        """Say what is done, where the HTTP method does not."""
        _set(action_type=action)

    def justification(self, reference: str) -> None:
        """Name the justification: a ticket like `INC-1042`, or a UUID."""
        _set(justification_ref=reference)

    def ticket(self, reference: str) -> None:
        """Name the ticket of the approved change: like `CHG-7`, or a UUID."""
        _set(change_ticket=reference)

    def changed_fields(self, names: Iterable[str]) -> None:
        """Name the fields that changed; never their values."""
        _set(changed_fields=sorted(set(names)))

    def error(self, code: str) -> None:
        """Give the failure a stable code, like `stale-version`."""
        _set(error_code=code)

    def ext(self, values: Mapping[str, int | bool | str]) -> None:
        """Add values of fields that your tenant registered."""
        context = current.get()
        if context is not None:
            _set(ext={**context.fields.get("ext", {}), **values})

    @property
    def request_id(self) -> str | None:
        """Id of the present request or job, for your own logs; None outside one."""
        context = current.get()
        return context.request_id if context is not None else None


def _set(**values: Any) -> None:
    context = current.get()
    if context is None or context.closed:
        _late(context)
        return
    context.fields.update({name: one for name, one in values.items() if one is not None})


def _late(context: Context | None) -> None:
    if context is not None:
        context.late += 1
