"""The one definition of the record: every field that a producer or the collector may set.

The fields stand in the order of their names, so that msgspec's encoding of an `Event` is canonical
JSON as it is. Grammars are checked by `check` and `batch`, not by msgspec: patterns at decode time
cost three times the whole decode.
"""

from typing import Annotated, Any

from msgspec import UNSET, Struct, UnsetType

from auditroll.event import values as closed
from auditroll.event.canonical import MAX_INTEGER
from auditroll.event.envelope import Envelope
from auditroll.event.kinds import Counts, Flag, Identity, Text, Texts, Whole
from auditroll.event.spec import Spec, enum, flag, text, whole

__all__ = ["Envelope", "Event"]


class Event(Struct, omit_defaults=True, kw_only=True):
    """An audit event: on the wire with envelopes, stored with pseudonyms.

    An absent field is `UNSET`; the annotation of each field is its row of the field table.
    """

    action_type: Annotated[
        Text,
        enum("what", "What was done (alias on input: `action`).", closed.ACTIONS, required=True),
    ] = UNSET
    actor_type: Annotated[Text, enum("who", "Kind of actor.", closed.ACTORS, required=True)] = UNSET
    ai_system_id: Annotated[Text, text("ai", "AI system.", "MODEL")] = UNSET
    ai_system_version: Annotated[Text, text("ai", "Its version.", "MODEL")] = UNSET
    api_dialect: Annotated[Text, enum("ai", "API dialect of the call.", closed.API_DIALECTS)] = (
        UNSET
    )
    attempt_no: Annotated[Whole, whole("ai", "Number of this attempt.")] = UNSET
    attempts_total: Annotated[Whole, whole("ai", "Attempts of the call.")] = UNSET
    auth_method: Annotated[
        Text, enum("who", "How the actor was authenticated.", closed.AUTH_METHODS)
    ] = UNSET
    body_hash: Annotated[
        Text, text("context", "Keyed hash of the request body.", "HMAC", place="detail")
    ] = UNSET
    bytes_in: Annotated[Whole, whole("outcome", "Size of the request body.", unit="octets")] = UNSET
    bytes_out: Annotated[Whole, whole("outcome", "Size of the response body.", unit="octets")] = (
        UNSET
    )
    cache_hit: Annotated[Flag, flag("ai", "The gateway answered from its cache.")] = UNSET
    change_ticket: Annotated[
        Text, text("context", "Ticket of the approved change.", "TICKET", place="detail")
    ] = UNSET
    changed_fields: Annotated[
        Texts,
        Spec(
            "what",
            "Names of the fields that changed.",
            kind="list",
            grammar="FIELD",
            most=64,
            unique=True,
            place="detail",
        ),
    ] = UNSET
    classifier_id: Annotated[Text, text("ai", "Classifier that scored.", "MODEL")] = UNSET
    clock_skew: Annotated[
        Flag,
        flag(
            "when", "The producer's clock differs from the collector's by more than 300 s.", by="C"
        ),
    ] = UNSET
    cut_fields: Annotated[
        dict[str, str] | UnsetType,
        Spec(
            "privacy",
            "Fields cut to their greatest length, with the keyed hash of the whole value.",
            kind="hashes",
            grammar="HMAC",
            key="FIELD",
            most=64,
        ),
    ] = UNSET
    data_class: Annotated[
        Text,
        text("identity", "Retention class; selects the stream.", "NAME", required=True, by="C"),
    ] = UNSET
    dropped: Annotated[Whole, whole("facts", "Records lost before the spool in this epoch.")] = (
        UNSET
    )
    dropped_fields: Annotated[Whole, whole("privacy", "How many unknown fields were dropped.")] = (
        UNSET
    )
    environment: Annotated[
        Text, enum("where", "Where the service runs.", closed.ENVIRONMENTS, required=True)
    ] = UNSET
    error_code: Annotated[
        Text, text("outcome", "Stable code of the failure.", "CODE", place="detail")
    ] = UNSET
    event_id: Annotated[
        Text,
        text(
            "identity",
            "Identifier minted by the recorder; its time part is the event's.",
            "UUID7",
            required=True,
        ),
    ] = UNSET
    event_type: Annotated[
        Text,
        text("identity", "What kind of event this is (section 6).", "EVENT_TYPE", required=True),
    ] = UNSET
    events: Annotated[Whole, whole("ai", "Number of stream events.")] = UNSET
    ext: Annotated[
        dict[str, Any] | UnsetType,
        Spec(
            "ext",
            "Values of fields that the tenant registered.",
            kind="ext",
            key="FIELD",
            most=32,
            place="detail",
        ),
    ] = UNSET
    fallback_from: Annotated[Text, text("ai", "Model that this attempt replaces.", "MODEL")] = UNSET
    finish_reasons: Annotated[
        Texts,
        Spec(
            "ai",
            "Finish reasons as the provider gave them.",
            kind="list",
            grammar="REASON",
            most=16,
        ),
    ] = UNSET
    http_method: Annotated[Text, enum("what", "HTTP method.", closed.HTTP_METHODS)] = UNSET
    human_decision: Annotated[
        Text, enum("ai", "What a person decided on the output.", closed.HUMAN_DECISIONS)
    ] = UNSET
    injection_model: Annotated[
        Text, text("ai", "Model and version of the injection score.", "MODEL")
    ] = UNSET
    justification_ref: Annotated[
        Text,
        text(
            "context",
            "Ticket of the justification; required for break-glass.",
            "TICKET",
            place="detail",
        ),
    ] = UNSET
    last_seq: Annotated[Whole, whole("facts", "Sequence number before this record.")] = UNSET
    latency_ms: Annotated[
        Whole, whole("outcome", "Time to the end of the response, rounded down.", unit="ms")
    ] = UNSET
    lawful_basis: Annotated[
        Text, enum("context", "Lawful basis under GDPR Article 6(1).", closed.LAWFUL_BASES)
    ] = UNSET
    lifecycle_phase: Annotated[
        Text, enum("ai", "Phase of the AI system's life.", closed.LIFECYCLE_PHASES)
    ] = UNSET
    modality_in: Annotated[
        Texts,
        Spec("ai", "What went in.", kind="list", values=closed.MODALITIES, most=6, unique=True),
    ] = UNSET
    modality_out: Annotated[
        Texts,
        Spec("ai", "What came out.", kind="list", values=closed.MODALITIES, most=6, unique=True),
    ] = UNSET
    mode: Annotated[Text, enum("facts", "Default durability mode.", closed.MODES)] = UNSET
    model_id: Annotated[
        Text, text("ai", "Model that served, never copied from the request.", "MODEL")
    ] = UNSET
    model_id_source: Annotated[
        Text, enum("ai", "Where the served model's name comes from.", closed.MODEL_SOURCES)
    ] = UNSET
    model_requested: Annotated[
        Text, text("ai", "Model that the request named.", "MODEL", place="detail")
    ] = UNSET
    note: Annotated[
        Text,
        text("facts", "Written purpose or reason; facts only.", "TEXT1024", place="detail", by="C"),
    ] = UNSET
    on_behalf_of: Annotated[
        Identity,
        text(
            "who",
            "Pseudonym of the person an agent or operator acts for.",
            "PSEUDO",
            place="actor",
            by="C",
            identity="user",
        ),
    ] = UNSET
    operation: Annotated[Text, enum("ai", "What the model was asked to do.", closed.OPERATIONS)] = (
        UNSET
    )
    outcome: Annotated[
        Text, enum("outcome", "How the event ended.", closed.OUTCOMES, required=True)
    ] = UNSET
    parent_request_id: Annotated[Text, text("ai", "Request that this call belongs to.", "RID")] = (
        UNSET
    )
    parse_errors: Annotated[Whole, whole("ai", "Parts of the answer that could not be parsed.")] = (
        UNSET
    )
    part: Annotated[
        Whole,
        whole("what", "Which part of a list read this record is.", minimum=1, maximum=10_000),
    ] = UNSET
    parts: Annotated[
        Whole, whole("what", "How many parts the list read has.", minimum=1, maximum=10_000)
    ] = UNSET
    path_ref: Annotated[
        Text,
        text("what", "Keyed hash of the raw path, for correlation.", "HMAC", place="resource"),
    ] = UNSET
    peer_net: Annotated[
        Text,
        text("where", "Network of the connected peer, such as a proxy.", "NET", place="source"),
    ] = UNSET
    policy_decision: Annotated[
        Text, enum("ai", "What the gateway's policy decided.", closed.POLICY_DECISIONS)
    ] = UNSET
    policy_id: Annotated[Text, text("ai", "Gateway policy.", "MODEL")] = UNSET
    previous_epoch: Annotated[Text, text("facts", "Epoch before this one.", "ID16")] = UNSET
    producer_epoch: Annotated[
        Text, text("identity", "One run of the producer, or one file.", "ID16", required=True)
    ] = UNSET
    producer_id: Annotated[
        Text, text("identity", "Producer of the credential.", "NAME", required=True, by="C")
    ] = UNSET
    producer_seq: Annotated[
        Whole, whole("identity", "Place in the epoch, from 0, without holes.", required=True)
    ] = UNSET
    prompt_hash: Annotated[Text, text("ai", "Hash of the prompt.", "HASH", place="detail")] = UNSET
    prompt_injection_score: Annotated[
        Whole, whole("ai", "Classifier score.", maximum=1_000, unit="per mille")
    ] = UNSET
    provider: Annotated[Text, text("ai", "Who served the model.", "NAME")] = UNSET
    provider_request_id: Annotated[
        Text, text("ai", "Provider's request id.", "PROVIDER_ID", place="detail")
    ] = UNSET
    purpose_of_use: Annotated[
        Text,
        enum(
            "context",
            "Why the data was used (alias on input: `purpose`); `x-` codes can be registered.",
            closed.PURPOSES,
            grammar="PURPOSE",
        ),
    ] = UNSET
    redactions: Annotated[
        Counts,
        Spec(
            "privacy",
            "How often a detector of each type redacted something.",
            kind="counts",
            key="COUNTER",
            minimum=1,
            most=32,
        ),
    ] = UNSET
    reference_db_id: Annotated[Text, text("ai", "Reference database that was used.", "MODEL")] = (
        UNSET
    )
    request_id: Annotated[
        Text,
        text(
            "context",
            "Minted by gateway or recorder; follows the request through every service.",
            "RID",
            required=True,
        ),
    ] = UNSET
    request_params: Annotated[
        Counts,
        Spec(
            "ai",
            "Numeric parameters of the request.",
            kind="counts",
            values=closed.REQUEST_PARAMS,
            minimum=-MAX_INTEGER,
            bits=("safety_identifier_present",),
            most=6,
        ),
    ] = UNSET
    resource_count: Annotated[
        Whole, whole("what", "How many resources the whole answer delivered.")
    ] = UNSET
    resource_id: Annotated[
        Identity,
        text("what", "Opaque reference `type:id`.", "REF", place="resource", identity="entity"),
    ] = UNSET
    resource_ids: Annotated[
        list[str | Envelope] | UnsetType,
        Spec(
            "what",
            "What a list read returned, in its order; the rest follows in continuation records.",
            kind="list",
            grammar="REF",
            least=1,
            most=100,
            place="resource",
            identity="entity",
        ),
    ] = UNSET
    resource_set_hash: Annotated[
        Text,
        text(
            "what",
            "Hash over the sorted ids of the whole answer, joined by LF.",
            "HASH",
            place="resource",
        ),
    ] = UNSET
    resource_type: Annotated[
        Text, text("what", "Type of the resource; required beside its id.", "TYPE")
    ] = UNSET
    response_content_hash: Annotated[
        Text, text("ai", "Hash of the response's content.", "HASH", place="detail")
    ] = UNSET
    response_hash: Annotated[
        Text, text("ai", "Hash of the response octets.", "HASH", place="detail")
    ] = UNSET
    response_id: Annotated[
        Text, text("ai", "Provider's response id.", "PROVIDER_ID", place="detail")
    ] = UNSET
    retry_reason: Annotated[Text, text("ai", "Why there was another attempt.", "CODE")] = UNSET
    route: Annotated[
        Text, text("what", "Route template; never the raw path.", "ROUTE", place="detail")
    ] = UNSET
    route_id: Annotated[Text, text("ai", "Gateway route.", "MODEL")] = UNSET
    safety_action: Annotated[Text, enum("ai", "What the filter did.", closed.SAFETY_ACTIONS)] = (
        UNSET
    )
    safety_categories: Annotated[
        Texts,
        Spec("ai", "Categories that fired.", kind="list", grammar="CODE", most=32, unique=True),
    ] = UNSET
    safety_filter_triggered: Annotated[
        Flag, flag("ai", "A safety filter fired; required in ai.call.")
    ] = UNSET
    safety_source: Annotated[Text, enum("ai", "Whose filter fired.", closed.SAFETY_SOURCES)] = UNSET
    safety_stage: Annotated[Text, enum("ai", "What the filter fired on.", closed.SAFETY_STAGES)] = (
        UNSET
    )
    scored_scope: Annotated[Text, enum("ai", "What was scored.", closed.SCORED_SCOPES)] = UNSET
    seen: Annotated[Whole, whole("facts", "Requests seen in this epoch.")] = UNSET
    server_tool_uses: Annotated[Whole, whole("ai", "Tools the provider ran.")] = UNSET
    service_name: Annotated[
        Text, text("where", "Service that recorded the event.", "NAME", required=True)
    ] = UNSET
    service_tier: Annotated[Text, text("ai", "Service tier.", "CODE")] = UNSET
    session_ref: Annotated[
        Text, text("who", "Keyed hash of the session.", "HMAC", place="actor")
    ] = UNSET
    source_ip: Annotated[
        Identity,
        text(
            "where",
            "Pseudonym of the client's address.",
            "PSEUDO",
            place="source",
            by="C",
            identity="ip",
        ),
    ] = UNSET
    source_net: Annotated[
        Text,
        text(
            "where", "Network of the client's address: IPv4 /24 or IPv6 /48.", "NET", place="source"
        ),
    ] = UNSET
    span_id: Annotated[Text, text("context", "W3C span id.", "SPAN")] = UNSET
    status_code: Annotated[
        Whole,
        whole("outcome", "HTTP status; required beside http_method.", minimum=100, maximum=599),
    ] = UNSET
    stream_requested: Annotated[Flag, flag("ai", "Whether a stream was asked for.")] = UNSET
    stream_state: Annotated[Text, enum("ai", "How a stream ended.", closed.STREAM_STATES)] = UNSET
    subject_id: Annotated[
        Identity,
        text(
            "what",
            "Pseudonymous reference to the person the data is about.",
            "SUBJECT",
            place="subject",
            by="C",
            identity="entity",
        ),
    ] = UNSET
    success: Annotated[Flag, flag("outcome", "True exactly if outcome is ok.", required=True)] = (
        UNSET
    )
    system_prompt_hash: Annotated[
        Text, text("ai", "SHA-256 of the system prompt.", "SHA256", place="detail")
    ] = UNSET
    tenant_id: Annotated[
        Text,
        text(
            "who", "Tenant of the credential, never of the body.", "TENANT", required=True, by="C"
        ),
    ] = UNSET
    timestamp: Annotated[
        Text,
        Spec(
            "when",
            "Event time on the producer's clock.",
            kind="time",
            grammar="TIME",
            required=True,
        ),
    ] = UNSET
    tokens_audio_in: Annotated[Whole, whole("ai", "Audio input tokens.", unit="tokens")] = UNSET
    tokens_audio_out: Annotated[Whole, whole("ai", "Audio output tokens.", unit="tokens")] = UNSET
    tokens_cache_read: Annotated[
        Whole, whole("ai", "Input tokens read from a cache.", unit="tokens")
    ] = UNSET
    tokens_cache_write: Annotated[
        Whole, whole("ai", "Input tokens written to a cache.", unit="tokens")
    ] = UNSET
    tokens_image_in: Annotated[Whole, whole("ai", "Image input tokens.", unit="tokens")] = UNSET
    tokens_image_out: Annotated[Whole, whole("ai", "Image output tokens.", unit="tokens")] = UNSET
    tokens_in: Annotated[
        Whole, whole("ai", "Input tokens in all, cached included.", unit="tokens")
    ] = UNSET
    tokens_out: Annotated[
        Whole, whole("ai", "Output tokens in all, reasoning included.", unit="tokens")
    ] = UNSET
    tokens_reasoning: Annotated[
        Whole, whole("ai", "Output tokens spent on reasoning.", unit="tokens")
    ] = UNSET
    tokens_total: Annotated[Whole, whole("ai", "Total the provider reported.", unit="tokens")] = (
        UNSET
    )
    tokens_video_in: Annotated[Whole, whole("ai", "Video input tokens.", unit="tokens")] = UNSET
    tool_calls_n: Annotated[Whole, whole("ai", "Tool calls in the answer.")] = UNSET
    tool_names_hash: Annotated[
        Texts,
        Spec(
            "ai",
            "Hashes of the tools' names.",
            kind="list",
            grammar="HASH",
            most=64,
            place="detail",
        ),
    ] = UNSET
    tools_hash: Annotated[
        Text, text("ai", "Hash of the tool definitions.", "HASH", place="detail")
    ] = UNSET
    trace_id: Annotated[Text, text("context", "W3C trace id.", "TRACE")] = UNSET
    ttfb_ms: Annotated[Whole, whole("ai", "Time to the first octet.", unit="ms")] = UNSET
    units: Annotated[
        Counts,
        Spec(
            "ai",
            "Billed units: images, audio_ms, video_ms, chars, searches.",
            kind="counts",
            values=closed.UNITS,
            minimum=-MAX_INTEGER,
            most=5,
        ),
    ] = UNSET
    upstream_request_id: Annotated[
        Text, text("context", "Request id that the client brought.", "UPSTREAM", place="detail")
    ] = UNSET
    usage_injected: Annotated[
        Flag, flag("ai", "The gateway asked for usage that the client had not asked for.")
    ] = UNSET
    usage_raw: Annotated[
        Counts,
        Spec(
            "ai",
            "Numeric leaves of the provider's usage.",
            kind="counts",
            key="FIELD",
            minimum=-MAX_INTEGER,
            most=32,
        ),
    ] = UNSET
    usage_state: Annotated[
        Text,
        enum(
            "ai",
            "Where the token counts come from; required in ai.call and ai.attempt.",
            closed.USAGE_STATES,
        ),
    ] = UNSET
    user_agent: Annotated[
        Text, text("where", "User agent, sanitised.", "TEXT256", place="agent")
    ] = UNSET
    user_id: Annotated[
        Identity,
        text(
            "who",
            "Pseudonym of the acting person, or `anonymous`.",
            "USER",
            place="actor",
            required=True,
            by="C",
            identity="user",
        ),
    ] = UNSET
    user_role: Annotated[Text, text("who", "Role at the time of the event.", "ROLE")] = UNSET
    written: Annotated[Whole, whole("facts", "Records written in this epoch.")] = UNSET
