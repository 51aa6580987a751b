"""Parquet modular encryption with one key per file and nothing but the key's name in it.

PyArrow's high-level interface writes the wrapped data key into the file, so into write-once
storage, and draws the key itself. Here the key comes from the key store and the file carries its
id alone.
"""

from typing import Any, Final

from auditroll.errors import IntegrityError
from auditroll.segment.arrow import encryption

__all__ = ["KEY_OCTETS", "decryption", "encryption_properties", "key_id_of", "with_key_id"]

KEY_OCTETS: Final = 32
MAX_KEY_ID: Final = 64
ENCRYPTED_MAGIC: Final = b"PARE"
# The file ends in: FileCryptoMetaData, encrypted footer, u32 length of both, magic.
TRAILER_OCTETS: Final = 8
# FileCryptoMetaData in Thrift's compact protocol, as Arrow writes it: field 1, the algorithm's
# union whose field 1 is AES_GCM_V1 whose field 2 is 8 octets of aad_file_unique; two stops.
# Source: Parquet modular encryption, section 5.1 and parquet.thrift.
ALGORITHM: Final = b"\x1c\x1c\x28\x08"
ALGORITHM_OCTETS: Final = len(ALGORITHM) + 8 + 2
# Field 2, binary: key_metadata. Then the octet that ends the struct.
KEY_METADATA: Final = b"\x18"
STOP: Final = b"\x00"


def encryption_properties(key: bytes) -> Any:
    """Return the writer's properties: AES_GCM_V1 and encrypted footer, one key for all parts.

    Args:
        key: 32 octets; the length is what selects AES-256.

    Raises:
        ValueError: The key has another length.
    """
    if len(key) != KEY_OCTETS:
        raise ValueError("a segment key has 32 octets")
    return encryption.create_encryption_properties(key, encryption_algorithm="AES_GCM_V1")


def decryption(key: bytes) -> Any:
    """Return the reader's properties; a file that is not encrypted is refused."""
    return encryption.create_decryption_properties(key)


def with_key_id(data: bytes, key_id: str) -> bytes:
    """Return an encrypted file with `key_id` as its key metadata.

    Args:
        data: As written with `encryption_properties`, without key metadata.
        key_id: 1 to 64 ASCII characters.

    Raises:
        ValueError: The file is not laid out so, or the id is too long.
    """
    name = key_id.encode("ascii")
    start = _crypto_start(data)
    cut = start + ALGORITHM_OCTETS
    if not 1 <= len(name) <= MAX_KEY_ID or data[cut : cut + 1] != STOP:
        raise ValueError("the file's crypto metadata has no room for this key id")
    added = KEY_METADATA + bytes([len(name)]) + name
    length = len(data) - TRAILER_OCTETS - start + len(added)
    footer = data[cut:-TRAILER_OCTETS]
    return b"".join(
        (data[:cut], added, footer, length.to_bytes(4, "little"), ENCRYPTED_MAGIC),
    )


def key_id_of(data: bytes | memoryview) -> str:
    """Return the key id that an encrypted segment names, readable without any key.

    Raises:
        IntegrityError: `segment-altered`: the end of the file is not that of a segment.
    """
    try:
        at = _crypto_start(data) + ALGORITHM_OCTETS
        end = at + 2 + data[at + 1]
        name = bytes(data[at + 2 : end]).decode("ascii")
        whole = data[at : at + 1] == KEY_METADATA and data[end : end + 1] == STOP
    except (ValueError, IndexError) as error:
        raise IntegrityError("segment-altered", "the segment's end is damaged") from error
    if not whole or not 1 <= len(name) <= MAX_KEY_ID:
        raise IntegrityError("segment-altered", "the segment names no key")
    return name


def _crypto_start(data: bytes | memoryview) -> int:
    length = int.from_bytes(data[-TRAILER_OCTETS:-4], "little")
    start = len(data) - TRAILER_OCTETS - length
    framed = data[:4] == ENCRYPTED_MAGIC == data[-4:] and start >= len(ENCRYPTED_MAGIC)
    if not framed or data[start : start + len(ALGORITHM)] != ALGORITHM:
        raise ValueError("not an encrypted Parquet file of ours")
    return start
