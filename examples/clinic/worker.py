"""The worker: sends reminders, in a process of its own."""

import signal
import threading
from types import FrameType

import auditroll
from auditroll import audit
from examples.clinic import settings
from examples.clinic.jobs import Job, Queue

POLL_S = 0.1


def remind(job: Job) -> None:
    """Send one reminder; the record joins the request that booked the appointment."""
    with audit.job("send-reminder", job.carried):
        audit.purpose("operations")
        audit.resource("appointment", job.body["appointment_id"])
        audit.subject("patient", job.body["patient_id"])


def main() -> None:
    """Work until told to stop."""
    auditroll.instrument(
        service="worker",
        environment="development",
        credential=settings.CREDENTIAL,
        spool=settings.SPOOL,
    )
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    queue = Queue(settings.QUEUE_FILE)
    while not stopping.is_set():
        job = queue.next()
        if job is None:
            stopping.wait(POLL_S)
            continue
        remind(job)
        queue.done(job)


if __name__ == "__main__":
    main()
