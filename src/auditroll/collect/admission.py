"""The lines of one batch on their way in: what is still admitted, and what was refused why."""

from collections.abc import Mapping

from auditroll.event import Event

__all__ = ["Admission"]


class Admission:
    """Events and the sequence numbers their lines must have; each stage refuses some.

    Args:
        events: Decoded lines.
        seqs: As long as `events`.
        refused: Sequence number to code, of lines that did not decode.
    """

    __slots__ = ("events", "refused", "seqs")

    def __init__(self, events: list[Event], seqs: list[int], refused: dict[int, str]) -> None:
        self.events = events
        self.seqs = seqs
        self.refused = refused

    def refuse(self, verdicts: Mapping[int, str]) -> None:
        """Quarantine events.

        Args:
            verdicts: Index in `events` to code.
        """
        if not verdicts:
            return
        self.refused.update((self.seqs[index], code) for index, code in verdicts.items())
        kept = [index for index in range(len(self.events)) if index not in verdicts]
        self.events = [self.events[index] for index in kept]
        self.seqs = [self.seqs[index] for index in kept]

    def quarantined(self) -> list[tuple[int, str]]:
        """Return what was refused, by sequence number."""
        return sorted(self.refused.items())
