"""The credential file of a producer, put together from control database and vault."""

from auditroll.access import Control
from auditroll.vault.keyring import Keyring, Use
from auditroll.wire import PayloadKey, ProducerCredential, VaultEpoch

__all__ = ["credential_of"]


def credential_of(
    control: Control, keyring: Keyring, producer: str, key: str, base: str
) -> ProducerCredential:
    """Return the credential file of a registered producer.

    Args:
        control: Knows the producer and its tenant.
        keyring: Keys of the tenant.
        producer: Its name.
        key: Its bearer key.
        base: Base address of the collector.
    """
    known = control.producers.get(producer)
    tenant = control.tenants.get(known.tenant)
    epoch_id, public = keyring.epoch_public(known.tenant)
    payload = keyring.current(known.tenant, Use.PAYLOAD)
    return ProducerCredential(
        collector_url=base,
        producer_id=producer,
        tenant_id=known.tenant,
        services=sorted(known.services),
        key=key,
        lookup_key=keyring.current(known.tenant, Use.LOOKUP).octets.hex(),
        payload_key=PayloadKey(id=payload.id, key=payload.octets.hex()),
        vault_epoch=VaultEpoch(id=epoch_id, public=public.hex()),
        personal_types=sorted(tenant.personal_types),
        resource_grammars=dict(tenant.resource_grammars),
    )
