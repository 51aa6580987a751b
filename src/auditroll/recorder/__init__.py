"""The recorder: allow-list, envelopes, numbers; every event reaches the spool or is counted."""

from auditroll.recorder.credential import load_credential
from auditroll.recorder.health import RecorderHealth
from auditroll.recorder.recorder import Companion, Mode, Recorder

__all__ = ["Companion", "Mode", "Recorder", "RecorderHealth", "load_credential"]
