"""Completeness checks named after what asks for them."""

import pytest

from auditroll.event.fields import FIELDS
from auditroll.event.profiles import AI, GDPR, HIPAA_7, PROFILES, SOC_2, Profile, missing
from tests.unit.event.records import PSEUDO, model_call, stored


def test_hipaa_7_names_what_is_missing() -> None:
    assert missing(stored(), HIPAA_7) == ["user_role", "purpose_of_use"]
    assert missing(stored(user_role="doctor", purpose_of_use="treatment"), HIPAA_7) == []


def test_an_anonymous_user_is_no_unique_user() -> None:
    assert missing(stored(user_id="anonymous"), SOC_2)[0] == "user_id"


def test_any_form_of_the_resource_will_do() -> None:
    listed = stored(resource_id=None, resource_ids=[f"patient:{PSEUDO}"], resource_count=1)
    assert "resource_id" not in missing(listed, HIPAA_7)
    assert "resource_id" in missing(stored(resource_id=None), HIPAA_7)


def test_gdpr_and_ai() -> None:
    assert missing(stored(), GDPR) == ["purpose_of_use", "lawful_basis"]
    assert "prompt_hash" in missing(model_call(), AI)
    assert "model_id" not in missing(model_call(), AI)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_profiles_name_fields_of_the_record(profile: Profile) -> None:
    assert PROFILES[profile.name] is profile
    assert all(name in FIELDS for _, names in profile.elements for name in names)
    assert missing({}, profile) == [names[0] for _, names in profile.elements]
