"""auditroll: a tamper-evident, PII-free audit log for APIs and AI model calls."""
