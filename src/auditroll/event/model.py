"""The one definition of the record: every field that a producer or the collector may set.

The fields stand in the order of their names, so that msgspec's encoding of a `Event` is canonical
JSON as it is. Grammars are checked by `check` and `batch`, not by msgspec: patterns at decode time
cost three times the whole decode.
"""

from typing import Annotated, Any

from msgspec import UNSET, Struct, UnsetType

from auditroll.event.spec import Spec

__all__ = ["Envelope", "Event"]


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


class Event(Struct, omit_defaults=True, kw_only=True):
    """An audit event: on the wire with envelopes, stored with pseudonyms.

    An absent field is `UNSET`; the annotation of each field is its row of the field table.
    """

    action_type: Annotated[
        str | UnsetType,
        Spec(
            "what",
            "What was done (alias on input: `action`).",
            kind="enum",
            values=(
                "READ",
                "CREATE",
                "UPDATE",
                "DELETE",
                "EXPORT",
                "EXECUTE",
            ),
            required=True,
        ),
    ] = UNSET
    actor_type: Annotated[
        str | UnsetType,
        Spec(
            "who",
            "Kind of actor.",
            kind="enum",
            values=(
                "human",
                "service",
                "agent",
                "system",
            ),
            required=True,
        ),
    ] = UNSET
    ai_system_id: Annotated[str | UnsetType, Spec("ai", "AI system.", grammar="MODEL")] = UNSET
    ai_system_version: Annotated[str | UnsetType, Spec("ai", "Its version.", grammar="MODEL")] = (
        UNSET
    )
    api_dialect: Annotated[
        str | UnsetType,
        Spec(
            "ai",
            "API dialect of the call.",
            kind="enum",
            values=(
                "openai.chat",
                "openai.responses",
                "openai.embeddings",
                "openai.images",
                "openai.audio.speech",
                "openai.audio.transcription",
                "openai.moderation",
                "openai.video",
                "openai.realtime",
                "openai.batch",
                "anthropic.messages",
                "gemini.generate",
                "mistral.chat",
                "bedrock.converse",
                "generic",
            ),
        ),
    ] = UNSET
    attempt_no: Annotated[int | UnsetType, Spec("ai", "Number of this attempt.", kind="int")] = (
        UNSET
    )
    attempts_total: Annotated[int | UnsetType, Spec("ai", "Attempts of the call.", kind="int")] = (
        UNSET
    )
    auth_method: Annotated[
        str | UnsetType,
        Spec(
            "who",
            "How the actor was authenticated.",
            kind="enum",
            values=(
                "none",
                "password",
                "session",
                "bearer",
                "api_key",
                "mtls",
                "oidc",
                "saml",
                "webauthn",
                "basic",
                "hmac",
                "other",
            ),
        ),
    ] = UNSET
    body_hash: Annotated[
        str | UnsetType,
        Spec("context", "Keyed hash of the request body.", grammar="HMAC", place="detail"),
    ] = UNSET
    bytes_in: Annotated[
        int | UnsetType, Spec("outcome", "Size of the request body.", kind="int", unit="octets")
    ] = UNSET
    bytes_out: Annotated[
        int | UnsetType, Spec("outcome", "Size of the response body.", kind="int", unit="octets")
    ] = UNSET
    cache_hit: Annotated[
        bool | UnsetType, Spec("ai", "The gateway answered from its cache.", kind="bool")
    ] = UNSET
    change_ticket: Annotated[
        str | UnsetType,
        Spec("context", "Ticket of the approved change.", grammar="TICKET", place="detail"),
    ] = UNSET
    changed_fields: Annotated[
        list[str] | UnsetType,
        Spec(
            "what",
            "Names of the fields that changed.",
            kind="list",
            grammar="FIELD",
            place="detail",
            most=64,
            unique=True,
        ),
    ] = UNSET
    classifier_id: Annotated[
        str | UnsetType, Spec("ai", "Classifier that scored.", grammar="MODEL")
    ] = UNSET
    clock_skew: Annotated[
        bool | UnsetType,
        Spec(
            "when",
            "The producer's clock differs from the collector's by more than 300 s.",
            kind="bool",
            by="C",
        ),
    ] = UNSET
    cut_fields: Annotated[
        dict[str, str] | UnsetType,
        Spec(
            "privacy",
            "Fields cut to their greatest length, with the keyed hash of the whole value.",
            kind="hashes",
            key="FIELD",
            grammar="HMAC",
            most=64,
        ),
    ] = UNSET
    data_class: Annotated[
        str | UnsetType,
        Spec(
            "identity",
            "Retention class; selects the stream.",
            grammar="NAME",
            required=True,
            by="C",
        ),
    ] = UNSET
    dropped: Annotated[
        int | UnsetType, Spec("facts", "Records lost before the spool in this epoch.", kind="int")
    ] = UNSET
    dropped_fields: Annotated[
        int | UnsetType, Spec("privacy", "How many unknown fields were dropped.", kind="int")
    ] = UNSET
    environment: Annotated[
        str | UnsetType,
        Spec(
            "where",
            "Where the service runs.",
            kind="enum",
            values=(
                "production",
                "staging",
                "test",
                "development",
            ),
            required=True,
        ),
    ] = UNSET
    error_code: Annotated[
        str | UnsetType,
        Spec("outcome", "Stable code of the failure.", grammar="CODE", place="detail"),
    ] = UNSET
    event_id: Annotated[
        str | UnsetType,
        Spec(
            "identity",
            "Identifier minted by the recorder; its time part is the event's.",
            grammar="UUID7",
            required=True,
        ),
    ] = UNSET
    event_type: Annotated[
        str | UnsetType,
        Spec(
            "identity",
            "What kind of event this is (section 6).",
            grammar="EVENT_TYPE",
            required=True,
        ),
    ] = UNSET
    events: Annotated[int | UnsetType, Spec("ai", "Number of stream events.", kind="int")] = UNSET
    ext: Annotated[
        dict[str, Any] | UnsetType,
        Spec(
            "ext",
            "Values of fields that the tenant registered.",
            kind="ext",
            key="FIELD",
            place="detail",
            most=32,
        ),
    ] = UNSET
    fallback_from: Annotated[
        str | UnsetType, Spec("ai", "Model that this attempt replaces.", grammar="MODEL")
    ] = UNSET
    finish_reasons: Annotated[
        list[str] | UnsetType,
        Spec(
            "ai",
            "Finish reasons as the provider gave them.",
            kind="list",
            grammar="REASON",
            most=16,
        ),
    ] = UNSET
    http_method: Annotated[
        str | UnsetType,
        Spec(
            "what",
            "HTTP method.",
            kind="enum",
            values=(
                "GET",
                "HEAD",
                "POST",
                "PUT",
                "PATCH",
                "DELETE",
                "OPTIONS",
                "TRACE",
                "CONNECT",
                "QUERY",
                "OTHER",
            ),
        ),
    ] = UNSET
    human_decision: Annotated[
        str | UnsetType,
        Spec(
            "ai",
            "What a person decided on the output.",
            kind="enum",
            values=(
                "approved",
                "rejected",
                "overridden",
                "none",
            ),
        ),
    ] = UNSET
    injection_model: Annotated[
        str | UnsetType, Spec("ai", "Model and version of the injection score.", grammar="MODEL")
    ] = UNSET
    justification_ref: Annotated[
        str | UnsetType,
        Spec(
            "context",
            "Ticket of the justification; required for break-glass.",
            grammar="TICKET",
            place="detail",
        ),
    ] = UNSET
    last_seq: Annotated[
        int | UnsetType, Spec("facts", "Sequence number before this record.", kind="int")
    ] = UNSET
    latency_ms: Annotated[
        int | UnsetType,
        Spec("outcome", "Time to the end of the response, rounded down.", kind="int", unit="ms"),
    ] = UNSET
    lawful_basis: Annotated[
        str | UnsetType,
        Spec(
            "context",
            "Lawful basis under GDPR Article 6(1).",
            kind="enum",
            values=(
                "consent",
                "contract",
                "legal-obligation",
                "vital-interests",
                "public-task",
                "legitimate-interests",
            ),
        ),
    ] = UNSET
    lifecycle_phase: Annotated[
        str | UnsetType,
        Spec(
            "ai",
            "Phase of the AI system's life.",
            kind="enum",
            values=(
                "dev",
                "test",
                "prod",
            ),
        ),
    ] = UNSET
    modality_in: Annotated[
        list[str] | UnsetType,
        Spec(
            "ai",
            "What went in.",
            kind="list",
            values=(
                "text",
                "image",
                "audio",
                "video",
                "file",
                "embedding",
            ),
            most=6,
            unique=True,
        ),
    ] = UNSET
    modality_out: Annotated[
        list[str] | UnsetType,
        Spec(
            "ai",
            "What came out.",
            kind="list",
            values=(
                "text",
                "image",
                "audio",
                "video",
                "file",
                "embedding",
            ),
            most=6,
            unique=True,
        ),
    ] = UNSET
    mode: Annotated[
        str | UnsetType,
        Spec(
            "facts",
            "Default durability mode.",
            kind="enum",
            values=(
                "available",
                "durable",
                "strict",
            ),
        ),
    ] = UNSET
    model_id: Annotated[
        str | UnsetType,
        Spec("ai", "Model that served, never copied from the request.", grammar="MODEL"),
    ] = UNSET
    model_id_source: Annotated[
        str | UnsetType,
        Spec(
            "ai",
            "Where the served model's name comes from.",
            kind="enum",
            values=(
                "response",
                "url",
                "unknown",
            ),
        ),
    ] = UNSET
    model_requested: Annotated[
        str | UnsetType,
        Spec("ai", "Model that the request named.", grammar="MODEL", place="detail"),
    ] = UNSET
    note: Annotated[
        str | UnsetType,
        Spec(
            "facts",
            "Written purpose or reason; facts only.",
            grammar="TEXT1024",
            place="detail",
            by="C",
        ),
    ] = UNSET
    on_behalf_of: Annotated[
        str | Envelope | UnsetType,
        Spec(
            "who",
            "Pseudonym of the person an agent or operator acts for.",
            grammar="PSEUDO",
            place="actor",
            by="C",
            identity="user",
        ),
    ] = UNSET
    operation: Annotated[
        str | UnsetType,
        Spec(
            "ai",
            "What the model was asked to do.",
            kind="enum",
            values=(
                "chat",
                "responses",
                "embeddings",
                "image",
                "speech",
                "transcription",
                "moderation",
                "video",
                "realtime",
                "batch",
                "other",
            ),
        ),
    ] = UNSET
    outcome: Annotated[
        str | UnsetType,
        Spec(
            "outcome",
            "How the event ended.",
            kind="enum",
            values=(
                "ok",
                "denied",
                "error",
                "aborted_client",
                "aborted_server",
                "unknown",
            ),
            required=True,
        ),
    ] = UNSET
    parent_request_id: Annotated[
        str | UnsetType, Spec("ai", "Request that this call belongs to.", grammar="RID")
    ] = UNSET
    parse_errors: Annotated[
        int | UnsetType, Spec("ai", "Parts of the answer that could not be parsed.", kind="int")
    ] = UNSET
    part: Annotated[
        int | UnsetType,
        Spec(
            "what",
            "Which part of a list read this record is.",
            kind="int",
            minimum=1,
            maximum=10000,
        ),
    ] = UNSET
    parts: Annotated[
        int | UnsetType,
        Spec("what", "How many parts the list read has.", kind="int", minimum=1, maximum=10000),
    ] = UNSET
    path_ref: Annotated[
        str | UnsetType,
        Spec(
            "what", "Keyed hash of the raw path, for correlation.", grammar="HMAC", place="resource"
        ),
    ] = UNSET
    peer_net: Annotated[
        str | UnsetType,
        Spec(
            "where",
            "Network of the connected peer, such as a proxy.",
            grammar="NET",
            place="source",
        ),
    ] = UNSET
    policy_decision: Annotated[
        str | UnsetType,
        Spec(
            "ai",
            "What the gateway's policy decided.",
            kind="enum",
            values=(
                "allow",
                "deny",
                "redact",
            ),
        ),
    ] = UNSET
    policy_id: Annotated[str | UnsetType, Spec("ai", "Gateway policy.", grammar="MODEL")] = UNSET
    previous_epoch: Annotated[
        str | UnsetType, Spec("facts", "Epoch before this one.", grammar="ID16")
    ] = UNSET
    producer_epoch: Annotated[
        str | UnsetType,
        Spec("identity", "One run of the producer, or one file.", grammar="ID16", required=True),
    ] = UNSET
    producer_id: Annotated[
        str | UnsetType,
        Spec("identity", "Producer of the credential.", grammar="NAME", required=True, by="C"),
    ] = UNSET
    producer_seq: Annotated[
        int | UnsetType,
        Spec("identity", "Place in the epoch, from 0, without holes.", kind="int", required=True),
    ] = UNSET
    prompt_hash: Annotated[
        str | UnsetType, Spec("ai", "Hash of the prompt.", grammar="HASH", place="detail")
    ] = UNSET
    prompt_injection_score: Annotated[
        int | UnsetType, Spec("ai", "Classifier score.", kind="int", maximum=1000, unit="per mille")
    ] = UNSET
    provider: Annotated[str | UnsetType, Spec("ai", "Who served the model.", grammar="NAME")] = (
        UNSET
    )
    provider_request_id: Annotated[
        str | UnsetType, Spec("ai", "Provider's request id.", grammar="PROVIDER_ID", place="detail")
    ] = UNSET
    purpose_of_use: Annotated[
        str | UnsetType,
        Spec(
            "context",
            "Why the data was used (alias on input: `purpose`); `x-` codes can be registered.",
            kind="enum",
            values=(
                "treatment",
                "payment",
                "operations",
                "break-glass",
                "research",
                "public-health",
                "legal",
                "security",
                "support",
            ),
        ),
    ] = UNSET
    redactions: Annotated[
        dict[str, int] | UnsetType,
        Spec(
            "privacy",
            "How often a detector of each type redacted something.",
            kind="counts",
            key="COUNTER",
            minimum=1,
            most=32,
        ),
    ] = UNSET
    reference_db_id: Annotated[
        str | UnsetType, Spec("ai", "Reference database that was used.", grammar="MODEL")
    ] = UNSET
    request_id: Annotated[
        str | UnsetType,
        Spec(
            "context",
            "Minted by gateway or recorder; follows the request through every service.",
            grammar="RID",
            required=True,
        ),
    ] = UNSET
    request_params: Annotated[
        dict[str, int] | UnsetType,
        Spec(
            "ai",
            "Numeric parameters of the request.",
            kind="counts",
            values=(
                "temperature_milli",
                "max_tokens",
                "seed",
                "n",
                "top_p_milli",
                "safety_identifier_present",
            ),
            most=6,
        ),
    ] = UNSET
    resource_count: Annotated[
        int | UnsetType, Spec("what", "How many resources the whole answer delivered.", kind="int")
    ] = UNSET
    resource_id: Annotated[
        str | Envelope | UnsetType,
        Spec(
            "what",
            "Opaque reference `type:id`.",
            grammar="REF",
            place="resource",
            identity="entity",
        ),
    ] = UNSET
    resource_ids: Annotated[
        list[str | Envelope] | UnsetType,
        Spec(
            "what",
            "What a list read returned, in its order; the rest follows in continuation records.",
            kind="list",
            grammar="REF",
            place="resource",
            most=100,
            identity="entity",
        ),
    ] = UNSET
    resource_set_hash: Annotated[
        str | UnsetType,
        Spec(
            "what",
            "Hash over the sorted ids of the whole answer, joined by LF.",
            grammar="HASH",
            place="resource",
        ),
    ] = UNSET
    resource_type: Annotated[
        str | UnsetType,
        Spec("what", "Type of the resource; required beside its id.", grammar="TYPE"),
    ] = UNSET
    response_content_hash: Annotated[
        str | UnsetType,
        Spec("ai", "Hash of the response's content.", grammar="HASH", place="detail"),
    ] = UNSET
    response_hash: Annotated[
        str | UnsetType, Spec("ai", "Hash of the response octets.", grammar="HASH", place="detail")
    ] = UNSET
    response_id: Annotated[
        str | UnsetType,
        Spec("ai", "Provider's response id.", grammar="PROVIDER_ID", place="detail"),
    ] = UNSET
    retry_reason: Annotated[
        str | UnsetType, Spec("ai", "Why there was another attempt.", grammar="CODE")
    ] = UNSET
    route: Annotated[
        str | UnsetType,
        Spec("what", "Route template; never the raw path.", grammar="ROUTE", place="detail"),
    ] = UNSET
    route_id: Annotated[str | UnsetType, Spec("ai", "Gateway route.", grammar="MODEL")] = UNSET
    safety_action: Annotated[
        str | UnsetType,
        Spec(
            "ai",
            "What the filter did.",
            kind="enum",
            values=(
                "blocked",
                "masked",
                "flagged_only",
            ),
        ),
    ] = UNSET
    safety_categories: Annotated[
        list[str] | UnsetType,
        Spec("ai", "Categories that fired.", kind="list", grammar="CODE", most=32, unique=True),
    ] = UNSET
    safety_filter_triggered: Annotated[
        bool | UnsetType, Spec("ai", "A safety filter fired; required in ai.call.", kind="bool")
    ] = UNSET
    safety_source: Annotated[
        str | UnsetType,
        Spec(
            "ai",
            "Whose filter fired.",
            kind="enum",
            values=(
                "provider",
                "gateway_guardrail",
            ),
        ),
    ] = UNSET
    safety_stage: Annotated[
        str | UnsetType,
        Spec(
            "ai",
            "What the filter fired on.",
            kind="enum",
            values=(
                "prompt",
                "output",
                "both",
            ),
        ),
    ] = UNSET
    scored_scope: Annotated[
        str | UnsetType,
        Spec(
            "ai",
            "What was scored.",
            kind="enum",
            values=(
                "user",
                "tool",
                "all",
            ),
        ),
    ] = UNSET
    seen: Annotated[int | UnsetType, Spec("facts", "Requests seen in this epoch.", kind="int")] = (
        UNSET
    )
    server_tool_uses: Annotated[
        int | UnsetType, Spec("ai", "Tools the provider ran.", kind="int")
    ] = UNSET
    service_name: Annotated[
        str | UnsetType,
        Spec("where", "Service that recorded the event.", grammar="NAME", required=True),
    ] = UNSET
    service_tier: Annotated[str | UnsetType, Spec("ai", "Service tier.", grammar="CODE")] = UNSET
    session_ref: Annotated[
        str | UnsetType, Spec("who", "Keyed hash of the session.", grammar="HMAC", place="actor")
    ] = UNSET
    source_ip: Annotated[
        str | Envelope | UnsetType,
        Spec(
            "where",
            "Pseudonym of the client's address.",
            grammar="PSEUDO",
            place="source",
            by="C",
            identity="ip",
        ),
    ] = UNSET
    source_net: Annotated[
        str | UnsetType,
        Spec(
            "where",
            "Network of the client's address: IPv4 /24 or IPv6 /48.",
            grammar="NET",
            place="source",
        ),
    ] = UNSET
    span_id: Annotated[str | UnsetType, Spec("context", "W3C span id.", grammar="SPAN")] = UNSET
    status_code: Annotated[
        int | UnsetType,
        Spec(
            "outcome",
            "HTTP status; required beside http_method.",
            kind="int",
            minimum=100,
            maximum=599,
        ),
    ] = UNSET
    stream_requested: Annotated[
        bool | UnsetType, Spec("ai", "Whether a stream was asked for.", kind="bool")
    ] = UNSET
    stream_state: Annotated[
        str | UnsetType,
        Spec(
            "ai",
            "How a stream ended.",
            kind="enum",
            values=(
                "completed",
                "ended_without_terminator",
                "upstream_cut",
                "upstream_error_event",
                "client_disconnect",
                "completed_client_gone",
                "idle_timeout",
            ),
        ),
    ] = UNSET
    subject_id: Annotated[
        str | Envelope | UnsetType,
        Spec(
            "what",
            "Pseudonymous reference to the person the data is about.",
            grammar="SUBJECT",
            place="subject",
            by="C",
            identity="entity",
        ),
    ] = UNSET
    success: Annotated[
        bool | UnsetType,
        Spec("outcome", "True exactly if outcome is ok.", kind="bool", required=True),
    ] = UNSET
    system_prompt_hash: Annotated[
        str | UnsetType,
        Spec("ai", "SHA-256 of the system prompt.", grammar="SHA256", place="detail"),
    ] = UNSET
    tenant_id: Annotated[
        str | UnsetType,
        Spec(
            "who",
            "Tenant of the credential, never of the body.",
            grammar="TENANT",
            required=True,
            by="C",
        ),
    ] = UNSET
    timestamp: Annotated[
        str | UnsetType,
        Spec(
            "when",
            "Event time on the producer's clock.",
            kind="time",
            grammar="TIME",
            required=True,
        ),
    ] = UNSET
    tokens_audio_in: Annotated[
        int | UnsetType, Spec("ai", "Audio input tokens.", kind="int", unit="tokens")
    ] = UNSET
    tokens_audio_out: Annotated[
        int | UnsetType, Spec("ai", "Audio output tokens.", kind="int", unit="tokens")
    ] = UNSET
    tokens_cache_read: Annotated[
        int | UnsetType, Spec("ai", "Input tokens read from a cache.", kind="int", unit="tokens")
    ] = UNSET
    tokens_cache_write: Annotated[
        int | UnsetType, Spec("ai", "Input tokens written to a cache.", kind="int", unit="tokens")
    ] = UNSET
    tokens_image_in: Annotated[
        int | UnsetType, Spec("ai", "Image input tokens.", kind="int", unit="tokens")
    ] = UNSET
    tokens_image_out: Annotated[
        int | UnsetType, Spec("ai", "Image output tokens.", kind="int", unit="tokens")
    ] = UNSET
    tokens_in: Annotated[
        int | UnsetType,
        Spec("ai", "Input tokens in all, cached included.", kind="int", unit="tokens"),
    ] = UNSET
    tokens_out: Annotated[
        int | UnsetType,
        Spec("ai", "Output tokens in all, reasoning included.", kind="int", unit="tokens"),
    ] = UNSET
    tokens_reasoning: Annotated[
        int | UnsetType, Spec("ai", "Output tokens spent on reasoning.", kind="int", unit="tokens")
    ] = UNSET
    tokens_total: Annotated[
        int | UnsetType, Spec("ai", "Total the provider reported.", kind="int", unit="tokens")
    ] = UNSET
    tokens_video_in: Annotated[
        int | UnsetType, Spec("ai", "Video input tokens.", kind="int", unit="tokens")
    ] = UNSET
    tool_calls_n: Annotated[
        int | UnsetType, Spec("ai", "Tool calls in the answer.", kind="int")
    ] = UNSET
    tool_names_hash: Annotated[
        list[str] | UnsetType,
        Spec(
            "ai",
            "Hashes of the tools' names.",
            kind="list",
            grammar="HASH",
            place="detail",
            most=64,
        ),
    ] = UNSET
    tools_hash: Annotated[
        str | UnsetType, Spec("ai", "Hash of the tool definitions.", grammar="HASH", place="detail")
    ] = UNSET
    trace_id: Annotated[str | UnsetType, Spec("context", "W3C trace id.", grammar="TRACE")] = UNSET
    ttfb_ms: Annotated[
        int | UnsetType, Spec("ai", "Time to the first octet.", kind="int", unit="ms")
    ] = UNSET
    units: Annotated[
        dict[str, int] | UnsetType,
        Spec(
            "ai",
            "Billed units: images, audio_ms, video_ms, chars, searches.",
            kind="counts",
            values=(
                "images",
                "audio_ms",
                "video_ms",
                "chars",
                "searches",
            ),
            most=5,
        ),
    ] = UNSET
    upstream_request_id: Annotated[
        str | UnsetType,
        Spec("context", "Request id that the client brought.", grammar="UPSTREAM", place="detail"),
    ] = UNSET
    usage_injected: Annotated[
        bool | UnsetType,
        Spec("ai", "The gateway asked for usage that the client had not asked for.", kind="bool"),
    ] = UNSET
    usage_raw: Annotated[
        dict[str, int] | UnsetType,
        Spec("ai", "Numeric leaves of the provider's usage.", kind="counts", key="FIELD", most=32),
    ] = UNSET
    usage_state: Annotated[
        str | UnsetType,
        Spec(
            "ai",
            "Where the token counts come from; required in ai.call and ai.attempt.",
            kind="enum",
            values=(
                "reported",
                "partial",
                "absent",
                "estimated",
                "not_applicable",
            ),
        ),
    ] = UNSET
    user_agent: Annotated[
        str | UnsetType, Spec("where", "User agent, sanitised.", grammar="TEXT256", place="agent")
    ] = UNSET
    user_id: Annotated[
        str | Envelope | UnsetType,
        Spec(
            "who",
            "Pseudonym of the acting person, or `anonymous`.",
            grammar="USER",
            place="actor",
            required=True,
            by="C",
            identity="user",
        ),
    ] = UNSET
    user_role: Annotated[
        str | UnsetType, Spec("who", "Role at the time of the event.", grammar="ROLE")
    ] = UNSET
    written: Annotated[
        int | UnsetType, Spec("facts", "Records written in this epoch.", kind="int")
    ] = UNSET
