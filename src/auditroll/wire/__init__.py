"""What crosses between the two sides: batches, envelopes, credentials. Pure."""

from auditroll.wire.batch import (
    MAX_BODY_OCTETS,
    MAX_LINES,
    Answer,
    Batch,
    LineResult,
    decode_answer,
    decode_body,
    encode_batch,
)
from auditroll.wire.credential import PayloadKey, ProducerCredential, VaultEpoch
from auditroll.wire.envelope import LookupKey, binding, lookup_of, open_identity, seal_identity
from auditroll.wire.fileepoch import file_epoch

__all__ = [
    "MAX_BODY_OCTETS",
    "MAX_LINES",
    "Answer",
    "Batch",
    "LineResult",
    "LookupKey",
    "PayloadKey",
    "ProducerCredential",
    "VaultEpoch",
    "binding",
    "decode_answer",
    "decode_body",
    "encode_batch",
    "file_epoch",
    "lookup_of",
    "open_identity",
    "seal_identity",
]
