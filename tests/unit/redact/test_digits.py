"""Check digits and ranges, against published examples."""

import pytest

from auditroll.redact import digits


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111",
        "4222222222222",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "6011111111111117",
        "3566002020360505",
        "30569309025904",
        "6200000000000005",
        "6304000000000000",
        "6799990100000000019",
    ],
)
def test_published_test_cards(number: str) -> None:
    assert digits.card(number)


def test_a_bare_number_must_be_in_a_range_in_use() -> None:
    assert digits.card("563456789010", likely=True) == digits.luhn("563456789010")
    assert not digits.card("4222222222222", likely=False)
    assert not digits.card("1111111111111117")
    assert not digits.card("")


def test_published_examples_of_other_numbers() -> None:
    assert digits.iban("GB82WEST12345698765432") == 22
    assert digits.iban("NO9386011117947REST") == 15
    assert digits.iban("GB82WEST1234569876543") == 0
    assert digits.npi("1234567893")
    assert not digits.npi("3234567893")
    assert digits.nhs("9434765919")
    assert not digits.nhs("943476591")
    assert digits.dea("AB1234563")
    assert not digits.dea("AB123456")
    assert digits.aadhaar("234123412346")
    assert not digits.aadhaar("134123412346")
    assert not digits.aadhaar("222222222222")
    assert digits.itin("912701234")
    assert not digits.itin("912931234")
    assert not digits.ssn("123450000")
    assert not digits.ssn("111111111")
