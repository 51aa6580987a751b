"""Who works at the clinic, and who is treated there. Everybody is invented."""

from dataclasses import dataclass
from typing import Final

__all__ = ["PATIENTS", "STAFF", "Patient", "Staff"]


@dataclass(frozen=True, slots=True)
class Staff:
    """One person who signs in.

    Args:
        user_name: What the clinic's directory calls them: an identity that no record may show.
        role: What they may do.
    """

    user_name: str
    role: str


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient.

    Args:
        patient_id: The clinic's own opaque number.
        name: Never leaves the service in a record.
        ward: Where they lie.
    """

    patient_id: str
    name: str
    ward: str


# Sign-in tokens of the example; a real service would ask its identity provider.
STAFF: Final = {
    "token-lopez": Staff("maria.lopez@clinic.example", "physician"),
    "token-okafor": Staff("chidi.okafor@clinic.example", "physician"),
    "token-becker": Staff("tom.becker@clinic.example", "nurse"),
    "token-silva": Staff("ana.silva@clinic.example", "receptionist"),
    "token-novak": Staff("petra.novak@clinic.example", "intern"),
}

_NAMES: Final = ("Jane Doe", "Emeka Obi", "Lena Fischer", "Ravi Patel", "Mina Sato")
_WARDS: Final = ("north", "south", "emergency")

PATIENTS: Final = {
    f"p-{number}": Patient(
        f"p-{number}", _NAMES[number % len(_NAMES)], _WARDS[number % len(_WARDS)]
    )
    for number in range(1200, 1320)
}
