"""Judge the lines of one batch: which become records, which are quarantined and why."""

from collections.abc import Sequence

from auditroll.access import Producer, Tenants
from auditroll.collect.admission import Admission
from auditroll.collect.identities import assign_pseudonyms, recognise
from auditroll.collect.lines import encode_event, read_lines
from auditroll.collect.rules import drop_unregistered, foreign_services, wrong_places
from auditroll.collect.screen import Screen
from auditroll.event import Event, Refused, decode
from auditroll.event.batch import check_batch
from auditroll.vault.assign import Vault

__all__ = ["Judge"]


class Judge:
    """Applies the format, the credential and the tenant's rules to lines.

    Args:
        vault: Gives pseudonyms.
        tenants: What each registered.
    """

    def __init__(self, vault: Vault, tenants: Tenants) -> None:
        self._vault = vault
        self._tenants = tenants
        self._screen = Screen()

    async def judge(
        self, octets: bytes, seqs: Sequence[int], epoch: str, producer: Producer
    ) -> Admission:
        """Return what is admitted, with pseudonyms in place of identities.

        Args:
            octets: The lines, each with its LF.
            seqs: The number of each line.
            epoch: Of the batch.
            producer: Whose credential was shown.

        Raises:
            CollectorError: `vault-unavailable` or `key-unknown`; nothing is admitted.
        """
        tenant = self._tenants.get(producer.tenant)
        admission = read_lines(octets, seqs)
        admission.refuse(wrong_places(admission.events, epoch, admission.seqs))
        drop_unregistered(admission.events, tenant)
        known = recognise(admission.events, tenant.tenant, self._vault)
        invalid = check_batch(admission.events, registry=self._tenants.registry(tenant.tenant))
        admission.refuse(
            {
                index: _parse_code(admission.events[index]) or found.code
                for index, found in invalid.items()
            }
        )
        admission.refuse(foreign_services(admission.events, producer))
        admission.refuse(self._screen.examine(admission.events, tenant.resource_grammars))
        admission.refuse(
            await assign_pseudonyms(admission.events, known, tenant.tenant, self._vault)
        )
        return admission


def _parse_code(event: Event) -> str:
    """Return why a line that decoded is no canonical JSON all the same, or an empty string.

    The decoder of events lets integers beyond 2^53 and deep nesting through; neither fits a field,
    but the parser's code says more.
    """
    try:
        decode(encode_event(event))
    except Refused as refused:
        return refused.code
    return ""
