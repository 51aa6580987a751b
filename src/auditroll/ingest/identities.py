"""Envelopes of identities, made once for each: sealing one costs more than all else of a line."""

from collections import OrderedDict
from typing import Final

from auditroll.errors import ProducerError
from auditroll.event import Envelope
from auditroll.ingest.entry import Unreadable
from auditroll.wire import LookupKey, ProducerCredential, seal_identity

__all__ = ["Identities"]

MAX_CACHED: Final = 100_000


class Identities:
    """Makes envelopes with a producer's keys; not shared between threads.

    Args:
        credential: Whose keys.
        limit: Envelopes remembered.
    """

    def __init__(self, credential: ProducerCredential, limit: int = MAX_CACHED) -> None:
        self._tenant = credential.tenant_id
        self._epoch = credential.vault_epoch.id
        self._public = bytes.fromhex(credential.vault_epoch.public)
        self._lookup = LookupKey(bytes.fromhex(credential.lookup_key))
        self._cache: OrderedDict[tuple[str, str], Envelope] = OrderedDict()
        self._limit = limit

    def envelope(self, namespace: str, identity: str) -> Envelope:
        """Return the envelope of an identity.

        Raises:
            Unreadable: `identity`: longer than 512 octets or not Unicode text.
        """
        key = (namespace, identity)
        known = self._cache.get(key)
        if known is None:
            known = self._cache[key] = self._seal(namespace, identity)
            if len(self._cache) > self._limit:
                self._cache.popitem(last=False)
        return known

    def _seal(self, namespace: str, identity: str) -> Envelope:
        try:
            return seal_identity(
                self._public, self._epoch, self._lookup, self._tenant, namespace, identity
            )
        except ProducerError:
            raise Unreadable("identity") from None
