"""The order of a start: read, recover, compare with what was signed, and only then write."""

import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from auditroll.errors import IntegrityError
from auditroll.keys import KeyStore
from auditroll.seal.heads import Heads
from auditroll.seal.journal import JournalWriter, clear_torn, read_journal
from auditroll.seal.positions import Positions
from auditroll.seal.reading import SegmentReader
from auditroll.seal.recovery import Recovery, new_stream, rebuild_nodes
from auditroll.seal.roll import Roll
from auditroll.seal.sealing import Sealing, Worker
from auditroll.seal.segments import TEMPORARY
from auditroll.seal.streams import Stream
from auditroll.seal.trust import Trust
from auditroll.store import DataFolder
from auditroll.tlog import Signer
from auditroll.tlog.proof import root_of_range

__all__ = ["Start"]

_ROLLED_BACK = "The folder is older than what was signed. Restore the newest copy."
_SIGNING = "signing"


class Start:
    """One start of a sequencer. Nothing is written to the log before everything was compared.

    Args:
        folder: The data folder, locked.
        installation: Its name, or None for the one it has.
        now_ms: The clock.

    Raises:
        PolicyError: `installation-changed`; `bad-name`; `unsafe-keys`.
        IntegrityError: `altered`, `forked`, `key-unknown`, `missing`, `rolled-back`.
    """

    def __init__(
        self, folder: DataFolder, installation: str | None, now_ms: Callable[[], int]
    ) -> None:
        self._folder = folder
        self._keys = KeyStore(folder.keys, folder.disk)
        self._files, self._torn = read_journal(folder, self._keys)
        self._reader = SegmentReader(folder, self._keys)
        recovery = Recovery(folder, self._reader, self._files)
        recovery.run()
        self._recovery = recovery
        self.seals = recovery.seals
        self.watermarks = recovery.watermarks
        self.rebuilt = recovery.rebuilt
        for stream in recovery.streams.values():
            self._watch_nodes(stream)
        self.trust = Trust(folder)
        secret = self._open_trust(installation)
        self.heads = Heads(folder, self.trust.name, secret)
        self._check_registers()
        self.roll = self._open_roll(now_ms)
        self.root = self._open_root()

    def sealing(self, worker: Worker, after_ms: int) -> Sealing:
        """Return what seals this installation's segments.

        Args:
            worker: Writes them.
            after_ms: Longest time a record stays without a segment.
        """
        sealing = Sealing(
            self._folder, self._keys, self.roll, self.seals, self.heads, worker, after_ms
        )
        for file in self._files:
            sealing.keep(file.first, file.header.key_id, self._recovery.ends[file.first])
        return sealing

    def finish(self, sealing: Sealing) -> None:
        """Record what the start itself did to the folder."""
        self._record_torn()
        used = {file.header.key_id for file in self._files}
        used.add(self.roll.journal.header.key_id)
        orphans = [key_id for key_id in self._keys.ids("journal") if key_id not in used]
        orphans += [
            key_id for path in self._recovery.strays if (key_id := self._key_of_stray(path))
        ]
        sealing.destroy_keys(self.root.stream, orphans)
        for path in self._recovery.strays:
            # This start may have used the same temporary name, and renamed it.
            if path.exists():
                self._folder.disk.remove(path)

    def _key_of_stray(self, path: Path) -> str:
        """Return the key of a segment that never counted; empty if it has none of its own."""
        if path.name.endswith(TEMPORARY):
            key_id = path.name.removesuffix(TEMPORARY).rsplit(".", 1)[1]
        elif path.name.startswith("."):
            return ""
        else:
            key_id = self._reader.key_id(path)
        # A file that someone copied here names a key that a sealed segment needs.
        return "" if key_id in self.seals.key_ids() else key_id

    def _new_stream(self, genesis: dict[str, Any]) -> Stream:
        return self._watch_nodes(new_stream(self._folder, genesis))

    def _watch_nodes(self, stream: Stream) -> Stream:
        stream.nodes.on_damage(partial(self._rebuild, stream))
        return stream

    def _rebuild(self, stream: Stream) -> None:
        self.rebuilt.append(f"derived/tiles/{stream.stream}")
        rebuild_nodes(stream, self.seals, self._reader)

    # Comparing.

    def _open_trust(self, installation: str | None) -> bytes:
        """Return the signing key, if it is the one the log began with.

        Raises:
            IntegrityError: `key-unknown`; `missing`.
        """
        streams = self._recovery.streams
        roots = [
            genesis
            for genesis in self._recovery.geneses.values()
            if genesis["stream_kind"] == "root"
        ]
        self._refuse_absent(streams, has_root=bool(roots))
        if not streams:
            secret = self._keys.single(_SIGNING).octets
            self.trust.open(installation, Signer("x", secret).public)
            return secret
        public = bytes.fromhex(roots[0]["keys"][0]["public"])
        found = [self._keys.get(key_id) for key_id in self._keys.ids(_SIGNING)]
        fitting = [secret for secret in found if Signer("x", secret).public == public]
        if not fitting:
            raise IntegrityError(
                "key-unknown",
                "the key that signs this log is not in the key store",
                hint="Restore keys/ from its backup.",
            )
        self.trust.open(installation, public, known=roots[0]["installation"])
        return fitting[0]

    def _refuse_absent(self, streams: dict[str, Stream], *, has_root: bool) -> None:
        expected = self.trust.expected()
        absent = [
            stream
            for stream, size in expected.items()
            if stream not in streams or streams[stream].size < size
        ]
        if absent or (streams and not has_root):
            raise IntegrityError(
                "missing",
                f"records are gone: {len(absent) or 1} of {len(expected)} streams are shorter "
                "than keys/trust.json knows them",
                hint="Run `auditroll verify`, and restore the folder from its copy.",
            )

    def _check_registers(self) -> None:
        """Refuse to start behind, or beside, what was signed.

        Raises:
            IntegrityError: `rolled-back` or `forked`.
        """
        for stream_id in self._folder.streams():
            register = self.heads.read(stream_id)
            if register is None:
                continue
            stream = self._recovery.streams.get(stream_id)
            size = stream.size if stream else 0
            if stream is None or register[0] > size:
                raise IntegrityError(
                    "rolled-back",
                    f"stream {stream_id}: {register[0]} records were signed, {size} are here",
                    hint=_ROLLED_BACK,
                )
            if root_of_range(0, register[0], stream.nodes.node) != register[1]:
                raise IntegrityError(
                    "forked",
                    f"stream {stream_id}: another root was signed for {register[0]} records",
                    hint="Run `auditroll verify`, and restore the folder from its copy.",
                )

    # Writing.

    def _open_roll(self, now_ms: Callable[[], int]) -> Roll:
        positions = Positions(self._folder)
        number = self._files[-1].end if self._files else positions.next_number()
        journal_id = self._files[-1].header.journal if self._files else secrets.token_hex(16)
        writer = JournalWriter(self._folder, self._keys, journal_id, number, now_ms())
        recovery = self._recovery
        sizes = {stream.stream: stream.size for stream in recovery.streams.values()}
        positions.save(number, recovery.effective_ms, sizes)
        roll = Roll(recovery.streams, writer, recovery.effective_ms, self._new_stream, now_ms)
        for frame, head in recovery.refusals:
            roll.note_refused(frame, head)
        return roll

    def _open_root(self) -> Stream:
        for stream in self.roll.streams.values():
            if stream.kind == "root":
                return stream
        root = self.roll.create("root", "", "", self.trust.name, self.trust.public_key)
        return self.roll.streams[root]

    def _record_torn(self) -> None:
        if self._torn is None:
            return
        fields = {
            "journal_file": self._torn.file,
            "valid_octets": self._torn.valid_octets,
            "lost_octets": self._torn.lost_octets,
            "last_frame": self._torn.last_frame,
            "reason_code": "torn-tail",
        }
        logs = [stream for stream in self.roll.streams.values() if stream.kind != "data"]
        self.roll.facts([(stream.stream, "ledger.recovery", fields) for stream in logs])
        clear_torn(self._folder)
