"""Closed sets of the format: event types and the values of enums (sections 5 and 6)."""

from typing import Final

ACTIONS: Final = ("READ", "CREATE", "UPDATE", "DELETE", "EXPORT", "EXECUTE")
ACTORS: Final = ("human", "service", "agent", "system")
AUTH_METHODS: Final = (
    *("none", "password", "session", "bearer", "api_key", "mtls"),
    *("oidc", "saml", "webauthn", "basic", "hmac", "other"),
)
ENVIRONMENTS: Final = ("production", "staging", "test", "development")
HTTP_METHODS: Final = (
    *("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
    *("OPTIONS", "TRACE", "CONNECT", "QUERY", "OTHER"),
)
LAWFUL_BASES: Final = (
    *("consent", "contract", "legal-obligation"),
    *("vital-interests", "public-task", "legitimate-interests"),
)
MODES: Final = ("available", "durable", "strict")
OUTCOMES: Final = ("ok", "denied", "error", "aborted_client", "aborted_server", "unknown")
PURPOSES: Final = (
    *("treatment", "payment", "operations", "break-glass", "research"),
    *("public-health", "legal", "security", "support"),
)

API_DIALECTS: Final = (
    *("openai.chat", "openai.responses", "openai.embeddings", "openai.images"),
    *("openai.audio.speech", "openai.audio.transcription", "openai.moderation"),
    *("openai.video", "openai.realtime", "openai.batch"),
    *("anthropic.messages", "gemini.generate", "mistral.chat", "bedrock.converse", "generic"),
)
HUMAN_DECISIONS: Final = ("approved", "rejected", "overridden", "none")
LIFECYCLE_PHASES: Final = ("dev", "test", "prod")
MODALITIES: Final = ("text", "image", "audio", "video", "file", "embedding")
MODEL_SOURCES: Final = ("response", "url", "unknown")
OPERATIONS: Final = (
    *("chat", "responses", "embeddings", "image", "speech", "transcription"),
    *("moderation", "video", "realtime", "batch", "other"),
)
POLICY_DECISIONS: Final = ("allow", "deny", "redact")
REQUEST_PARAMS: Final = (
    *("temperature_milli", "max_tokens", "seed", "n", "top_p_milli"),
    "safety_identifier_present",
)
SAFETY_ACTIONS: Final = ("blocked", "masked", "flagged_only")
SAFETY_SOURCES: Final = ("provider", "gateway_guardrail")
SAFETY_STAGES: Final = ("prompt", "output", "both")
SCORED_SCOPES: Final = ("user", "tool", "all")
STREAM_STATES: Final = (
    *("completed", "ended_without_terminator", "upstream_cut", "upstream_error_event"),
    *("client_disconnect", "completed_client_gone", "idle_timeout"),
)
UNITS: Final = ("images", "audio_ms", "video_ms", "chars", "searches")
USAGE_STATES: Final = ("reported", "partial", "absent", "estimated", "not_applicable")

PRODUCER_TYPES: Final = ("producer.open", "producer.heartbeat", "producer.close")
EVENT_TYPES: Final = (
    *("http.request", "auth.login", "auth.logout", "auth.mfa", "auth.token"),
    *("data.access", "data.export", "privilege.change", "config.change", "admin.action"),
    *("job.run", "db.statement", "ai.intent", "ai.attempt", "ai.call"),
    *("audit.search", "audit.export", "audit.reveal", "audit.verify", "audit.review"),
    *("incident.open", "incident.update", "incident.close", "recorder.fallback"),
    *PRODUCER_TYPES,
)
"""A tenant may register further types, `x.` and a CODE."""
