"""The shipping thread: every spool of one producer on this machine that nobody else ships."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from auditroll.clock import now_ms
from auditroll.disk import Disk
from auditroll.errors import PolicyError
from auditroll.recorder import Recorder
from auditroll.ship.backoff import Backoff
from auditroll.ship.delivery import Delivery, Refusal
from auditroll.ship.health import ShipperHealth
from auditroll.ship.quarantine import Quarantine
from auditroll.ship.rehome import rehome
from auditroll.ship.transport import Transport
from auditroll.ship.tuning import Tuning
from auditroll.spool import FileLock, SpoolError
from auditroll.spool.layout import SpoolFolder, list_epochs
from auditroll.wire import ProducerCredential

__all__ = ["Shipper"]

_log = logging.getLogger("auditroll")

_CHECKPOINT_EVERY_S: Final = 60.0


class Shipper:
    """Ships spools until it is closed.

    It takes every epoch of the producer that has no other shipper: that of its own process, those
    of processes that died, and those of living ones without a shipper.

    Args:
        credential: Of the producer.
        root: Folder of all spools.
        tuning: Sizes and times.
        disk: Another disk than the real one.
        reload: Returns a newer credential when the present one is not accepted.
        renew: Told that the collector has closed an epoch of this process; begins another.

    Raises:
        PolicyError: `insecure-collector` or `bad-credential`.
    """

    def __init__(
        self,
        credential: ProducerCredential,
        root: Path,
        *,
        tuning: Tuning | None = None,
        disk: Disk | None = None,
        reload: Callable[[], ProducerCredential] | None = None,
        renew: Callable[[str], None] | None = None,
    ) -> None:
        self._credential: ProducerCredential = credential
        self._root = root
        self._folder = root / credential.producer_id
        self._tuning = tuning or Tuning()
        self._disk = disk or Disk()
        self._reload = reload
        self._renew = renew
        self._transport = Transport(credential, self._tuning)
        self._backoff = Backoff(self._tuning)
        self._deliveries: dict[str, Delivery] = {}
        self._quarantine = Quarantine(self._folder)
        self._scanned = float("-inf")
        self._kept_checkpoint: str = ""
        self._kept_at: float = float("-inf")
        self._wake = threading.Event()
        self._draining = False
        self._thread = threading.Thread(target=self._run, name="auditroll-ship", daemon=True)
        self.health = ShipperHealth()

    @classmethod
    def beside(cls, recorder: Recorder) -> Self:
        """Return what ships the spool of a recorder's process, and of dead ones before it."""
        return cls(recorder.credential, recorder.spool_root, renew=recorder.renew)

    def start(self) -> None:
        """Ship in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Ship what is left if that takes only a moment, and end.

        What is not shipped stays in the spool, for the next process or an agent.
        """
        self._draining = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(self._tuning.drain_s)

    def step(self) -> bool:
        """Send at most one batch of each epoch; False when there was nothing to send."""
        self._scan()
        busy = False
        for delivery in list(self._deliveries.values()):
            if self._backoff.left_s() > 0:
                break
            if delivery.backoff.left_s() == 0:
                busy |= self._ship(delivery)
        self._keep_checkpoint()
        return busy

    def _run(self) -> None:
        last_chance = False
        while True:
            draining = self._draining
            try:
                busy = self.step()
            except Exception:  # noqa: BLE001  a defect must not end shipping for good
                _log.exception("auditroll: shipping failed")
                self._backoff.fail()
                busy = False
            if draining and not busy:
                # What the epoch's last writer wrote while we were sending is seen once more.
                if last_chance or self._backoff.failures:
                    break
                last_chance = True
                self._scanned = float("-inf")
                continue
            if not busy:
                self._wake.wait(max(self._tuning.linger_s, self._backoff.left_s()))
        self._release()

    def _release(self) -> None:
        for delivery in self._deliveries.values():
            delivery.close()
        self._deliveries.clear()
        self._transport.close()
        self._keep_checkpoint(at_once=True)

    def _scan(self) -> None:
        """Take the epochs that nobody ships."""
        now = time.monotonic()
        if now - self._scanned < self._tuning.scan_s:
            return
        self._scanned = now
        pending = 0
        for folder in list_epochs(self._root, self._credential.producer_id, self._disk):
            if folder.epoch not in self._deliveries:
                self._take(folder)
            if folder.epoch in self._deliveries:
                pending += folder.octets()
        self.health.pending_octets = pending
        self.health.epochs = len(self._deliveries)

    def _take(self, folder: SpoolFolder) -> None:
        lock = FileLock.acquire(folder.shipper_path)
        if lock is not None:
            self._deliveries[folder.epoch] = Delivery(
                folder, lock, self._tuning, self.health, self._quarantine
            )

    def _ship(self, delivery: Delivery) -> bool:
        """Send a batch, and note how that went."""
        try:
            if delivery.closed_through is not None:
                return self._move(delivery, delivery.closed_through)
            sent = delivery.ship(self._transport)
            if not sent:
                self._rest(delivery)
        except Refusal as refusal:
            self._refused(delivery, refusal)
            return False
        except (OSError, SpoolError) as error:
            delivery.backoff.fail()
            self.health.last_error = "spool-failed"
            _log.error("auditroll: the spool %s refuses: %s", delivery.epoch, error)
            return False
        if sent:
            self._succeeded(delivery)
        return sent

    def _rest(self, delivery: Delivery) -> None:
        """Everything is sent: forget what may be forgotten."""
        delivery.catch_up(self._transport)
        if delivery.finished():
            delivery.folder.remove()
            delivery.close()
            del self._deliveries[delivery.epoch]
            self.health.epochs = len(self._deliveries)

    def _move(self, delivery: Delivery, through: int) -> bool:
        """Give what the collector takes no more under this epoch a new one."""
        if not delivery.complete:
            if self._renew is not None:
                self._renew(delivery.epoch)
            if not delivery.complete:
                delivery.backoff.fail()
                return False
        rehome(delivery.folder, through, self._credential)
        delivery.close()
        del self._deliveries[delivery.epoch]
        self._scanned = float("-inf")
        return True

    def _succeeded(self, delivery: Delivery) -> None:
        health = self.health
        if health.state != "ok":
            _log.warning("auditroll: the collector takes records again")
        self._backoff.succeed()
        delivery.backoff.succeed()
        health.state, health.failures, health.last_ack_ms = "ok", 0, now_ms()
        if health.last_error != "collector-behind":
            health.last_error = ""

    def _refused(self, delivery: Delivery, refusal: Refusal) -> None:
        health = self.health
        health.failures += 1
        if health.state != refusal.state or health.last_error != refusal.code:
            _log.warning(
                "auditroll: the collector does not take records [%s]; they stay in %s",
                refusal.code,
                self._folder,
            )
        health.state, health.last_error = refusal.state, refusal.code
        (self._backoff if refusal.everybody else delivery.backoff).fail(refusal.asked_s)
        if refusal.code == "unauthenticated":
            self._try_newer_credential()

    def _try_newer_credential(self) -> None:
        if self._reload is None:
            return
        with contextlib.suppress(PolicyError):
            newer = self._reload()
            if newer.key != self._credential.key:
                transport = Transport(newer, self._tuning)
                self._transport.close()
                self._credential, self._transport = newer, transport
                self._backoff.succeed()

    def _keep_checkpoint(self, *, at_once: bool = False) -> None:
        """Keep what the collector signed last: it cannot take back what it showed us."""
        text, now = self.health.root_checkpoint, time.monotonic()
        due = at_once or now - self._kept_at >= _CHECKPOINT_EVERY_S
        if not text or text == self._kept_checkpoint or not due:
            return
        with contextlib.suppress(OSError):
            self._disk.replace(self._folder / "root_checkpoint", text.encode())
            self._kept_checkpoint, self._kept_at = text, now
