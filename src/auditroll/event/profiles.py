"""Named completeness checks: what a regulation's auditor expects to find in one record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["AI", "GDPR", "HIPAA_7", "PROFILES", "SOC_2", "Profile", "missing"]

_ANONYMOUS: Final = "anonymous"


@dataclass(frozen=True, slots=True)
class Profile:
    """One completeness check.

    Args:
        name: Stable name.
        source: What it answers to.
        elements: What must be there: for each element the fields of which any one will do, by the
            element's name.
    """

    name: str
    source: str
    elements: tuple[tuple[str, tuple[str, ...]], ...]


_RESOURCE: Final = ("resource_id", "resource_ids")

# Source: 45 CFR 164.312(b), audit controls; 164.312(a)(2)(i), unique user identification.
HIPAA_7: Final = Profile(
    "HIPAA-7",
    "45 CFR 164.312(b), 164.312(a)(2)(i)",
    (
        ("user", ("user_id",)),
        ("user's role", ("user_role",)),
        ("action", ("action_type",)),
        ("resource", _RESOURCE),
        ("time", ("timestamp",)),
        ("source address", ("source_ip",)),
        ("user agent", ("user_agent",)),
        ("status", ("status_code",)),
        ("purpose", ("purpose_of_use",)),
    ),
)

# Source: GDPR Articles 5(1)(b), 5(2), 6(1), 32(1)(b).
GDPR: Final = Profile(
    "GDPR",
    "GDPR Articles 5(1)(b), 5(2), 6(1), 32(1)(b)",
    (
        ("user", ("user_id",)),
        ("action", ("action_type",)),
        ("data subject", ("subject_id",)),
        ("time", ("timestamp",)),
        ("purpose", ("purpose_of_use",)),
        ("lawful basis", ("lawful_basis",)),
    ),
)

# Source: SOC 2 (TSC 2017) CC6.1, CC7.2, CC7.3.
SOC_2: Final = Profile(
    "SOC 2",
    "TSC 2017 CC6.1, CC7.2, CC7.3",
    (
        ("user", ("user_id",)),
        ("authentication", ("auth_method",)),
        ("action", ("action_type",)),
        ("resource", ("resource_type",)),
        ("time", ("timestamp",)),
        ("source address", ("source_ip",)),
        ("outcome", ("outcome",)),
        ("request", ("request_id",)),
    ),
)

# Source: EU AI Act (Regulation 2024/1689) Articles 12(1), 12(2), 26(5).
AI: Final = Profile(
    "AI",
    "EU AI Act Articles 12(1), 12(2), 26(5)",
    (
        ("user", ("user_id",)),
        ("time", ("timestamp",)),
        ("model", ("model_id",)),
        ("system prompt", ("system_prompt_hash",)),
        ("prompt", ("prompt_hash",)),
        ("response", ("response_hash", "response_content_hash")),
        ("input tokens", ("tokens_in",)),
        ("output tokens", ("tokens_out",)),
        ("safety filter", ("safety_filter_triggered",)),
        ("prompt injection", ("prompt_injection_score",)),
    ),
)

PROFILES: Final[Mapping[str, Profile]] = {
    profile.name: profile for profile in (HIPAA_7, GDPR, SOC_2, AI)
}


def missing(record: Mapping[str, Any], profile: Profile) -> list[str]:
    """Return the fields that `record` lacks for `profile`, in the profile's order.

    Args:
        record: A flat record.
        profile: One of `PROFILES`.

    Returns:
        For each element that is absent, the field that would fill it. An anonymous user is no
        unique user, so `user_id` is missing then.
    """
    return [
        fields[0]
        for _element, fields in profile.elements
        if not any(name in record and record[name] != _ANONYMOUS for name in fields)
    ]
