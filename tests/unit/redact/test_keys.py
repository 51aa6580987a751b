"""Names of keys, and nested objects."""

import pytest

from auditroll.redact import kind_of_key, redact_fields
from auditroll.redact.mapping import MAX_DEPTH, MAX_NODES


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Password",
        "user_password",
        "client_secret",
        "clientSecret",
        "refreshToken",
        "access-token",
        "x-api-key",
        "X-API-Key",
        "apikey",
        "APIKey",
        "Authorization",
        "proxy_authorization",
        "Set-Cookie",
        "sessionId",
        "session",
        "privateKey",
        "aws.secret.access.key",
        "".join(chr(0xFEE0 + ord(one)) for one in "password"),
        "otp",
        "PIN",
        "cvv",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert kind_of_key(name) == "SECRET"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("dob", "DOB"),
        ("dateOfBirth", "DOB"),
        ("patient_name", "NAME"),
        ("firstName", "NAME"),
        ("ssn", "SSN"),
        ("e-mail", "EMAIL"),
        ("phone_number", "PHONE"),
        ("home_address", "ADDRESS"),
    ],
)
def test_names_of_personal_values(name: str, kind: str) -> None:
    assert kind_of_key(name) == kind


@pytest.mark.parametrize(
    "name",
    [
        "tokens_in",
        "tokens_out",
        "token_count",
        "max_tokens",
        "maxTokens",
        "auth_method",
        "authMethod",
        "session_count",
        "author",
        "secretary",
        "passenger",
        "spinner",
        "compass",
        "cookie_policy",
        "prompt_token",
        "password_policy",
        "token_type",
        "hostname",
        "status",
        "",
        "123",
    ],
)
def test_names_that_only_look_like_it(name: str) -> None:
    assert kind_of_key(name) is None


def test_texts_lists_and_keys_are_scanned() -> None:
    redacted = redact_fields(
        {"note": ["jane@example.com", {"x": (1, None, True)}], "jane@example.com": {2.5}}
    )
    assert redacted.value == {
        "note": ["[REDACTED:EMAIL]", {"x": [1, None, True]}],
        "[REDACTED:EMAIL]": [2.5],
    }
    assert redacted.counts == {"EMAIL": 2}


def test_empty_and_boolean_values_under_telling_keys_stay() -> None:
    value = {"password": "", "token": None, "secret": False, "pin": 0}
    assert redact_fields(value).value == {**value, "pin": "[REDACTED:SECRET]"}


def test_two_keys_that_become_one_marker_both_stay() -> None:
    redacted = redact_fields({"a@example.com": 1, "b@example.com": 2})
    assert redacted.value == {"[REDACTED:EMAIL]": 1, "[REDACTED:EMAIL]#2": 2}


def test_other_types_become_redacted_text() -> None:
    assert redact_fields(b"jane@example.com").value == "[REDACTED:EMAIL]"
    assert redact_fields(ValueError("jane@example.com")).value == "[REDACTED:EMAIL]"


def test_what_is_too_deep_or_too_large_does_not_pass() -> None:
    deep: object = "jane@example.com"
    for _ in range(MAX_DEPTH + 2):
        deep = [deep]
    assert "jane" not in str(redact_fields(deep).value)
    wide = redact_fields(["x"] * (MAX_NODES + 5))
    assert wide.counts["UNSCANNED"] == 6


def test_the_callers_object_is_not_changed() -> None:
    given = {"a": ["jane@example.com"]}
    redact_fields(given)
    assert given == {"a": ["jane@example.com"]}
