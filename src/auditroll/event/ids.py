"""Identifiers made from a time and random octets that the caller brings."""

__all__ = ["request_id", "uuid7"]

RANDOM_OCTETS = 10


def uuid7(ms: int, random: bytes) -> str:
    """Return a UUIDv7.

    Args:
        ms: Milliseconds since 1970-01-01T00:00:00Z, 0 to 2^48 - 1.
        random: At least 10 random octets.

    Raises:
        ValueError: Too few random octets, or a time out of range.

    Source: RFC 9562 section 5.7.
    """
    if len(random) < RANDOM_OCTETS or not 0 <= ms < 1 << 48:
        raise ValueError("uuid7 needs 10 random octets and a 48-bit time")
    digits = random.hex()
    variant = "89ab"[random[3] & 3]
    clock = f"{ms:012x}"
    return f"{clock[:8]}-{clock[8:]}-7{digits[:3]}-{variant}{digits[3:6]}-{digits[8:20]}"


def request_id(random: bytes) -> str:
    """Return a request id: 32 hex digits of 16 random octets.

    Raises:
        ValueError: Not 16 octets.
    """
    if len(random) != 16:
        raise ValueError("a request id has 16 random octets")
    return random.hex()
