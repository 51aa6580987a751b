"""JSON lines with a mapping: any server's log whose fields somebody named."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from auditroll.event.check import fits
from auditroll.event.fields import FIELDS
from auditroll.event.registry import UNREGISTERED
from auditroll.ingest.entry import Entry, Unreadable
from auditroll.ingest.hops import split_hops
from auditroll.ingest.mapping import MappingFile, look_up
from auditroll.ingest.moments import parse_moment, parse_number
from auditroll.ingest.repair import read_object

__all__ = ["JsonReader"]

_FITS: Final = fits(UNREGISTERED, stored=False)
_NOTHING: Final = (None, "", "-")
_PER_MS: Final = {"latency_s": 1_000, "latency_ms": 1, "latency_us": 0.001, "latency_ns": 0.000_001}


class JsonReader:
    """Reads lines by one mapping.

    Args:
        mapping: Which path gives which field.
    """

    def __init__(self, mapping: MappingFile) -> None:
        self._paths = mapping.paths()
        self._constants = dict(mapping.constants)

    def parse(self, line: bytes) -> Entry:
        """Return what a line says.

        Raises:
            Unreadable: `empty`, `syntax`, `not-an-object`, `no-time`, `bad-time`, `no-zone`,
                `no-status`.
        """
        found = read_object(line)
        values: dict[str, Any] = dict(self._constants)
        used = 0
        for target, paths in self._paths.items():
            for steps in paths:
                value = look_up(found, steps)
                if value not in _NOTHING:
                    values[target] = value
                    used += 1
                    break
        entry = Entry(_moment(values.pop("timestamp", None)))
        entry.dropped = max(0, len(found) - used)
        for target, value in values.items():
            _set(entry, target, value)
        return entry


def _moment(value: Any) -> int:
    if isinstance(value, str):
        return parse_moment(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return parse_number(value)
    raise Unreadable("no-time")


def _set(entry: Entry, target: str, value: Any) -> None:
    setter = _SETTERS.get(target)
    if setter is not None:
        setter(entry, value)
    elif target in _PER_MS:
        entry.latency_ms = _latency(value, _PER_MS[target])
    else:
        _set_field(entry, target, value)


def _set_field(entry: Entry, name: str, value: Any) -> None:
    """Take over a field of the record if its grammar allows; otherwise it is dropped."""
    if FIELDS[name].kind == "int":
        value = _integer(value)
    elif FIELDS[name].kind != "bool":
        value = value if isinstance(value, str) else str(value)
    if value is not None and _FITS[name](value):
        entry.fields[name] = value
    else:
        entry.dropped += 1


def _address(entry: Entry, value: Any) -> None:
    entry.hops = entry.hops + _hops(value)


def _forwarded(entry: Entry, value: Any) -> None:
    entry.hops = _hops(value) + entry.hops


def _hops(value: Any) -> list[str]:
    if isinstance(value, list):
        return [hop for part in value for hop in split_hops(str(part))]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return split_hops(str(value))


def _request(entry: Entry, value: Any) -> None:
    words = str(value).split(" ")
    if words[-1].startswith("HTTP/"):
        words.pop()
    if not entry.method:
        entry.method = words[0] if len(words) > 1 else "-"
    if not entry.target:
        entry.target = " ".join(words[1:]) or words[0]


def _method(entry: Entry, value: Any) -> None:
    entry.method = str(value)


def _path(entry: Entry, value: Any) -> None:
    entry.target = str(value)


def _user(entry: Entry, value: Any) -> None:
    entry.user = str(value)


def _agent(entry: Entry, value: Any) -> None:
    entry.agent = " ".join(map(str, value)) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType]


def _bytes_out(entry: Entry, value: Any) -> None:
    number = _integer(value)
    entry.bytes_out = -1 if number is None else number


def _status(entry: Entry, value: Any) -> None:
    """Take the last of several upstreams' answers: it is the one that was passed on."""
    words = str(value).replace(",", " ").split()
    known = [word for word in words if word.isascii() and word.isdigit()]
    if not known or len(known[-1]) > 3:
        raise Unreadable("no-status")
    entry.status = int(known[-1]) if 100 <= int(known[-1]) <= 599 else 0


def _integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 0 <= value < 1 << 53 else None
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _latency(value: Any, per_ms: float) -> int:
    """Return milliseconds, rounded down; of several upstreams' times the sum; -1 if none."""
    words = str(value).replace(",", " ").split()
    try:
        total = sum(float(word) for word in words if word != "-")
    except ValueError:
        return -1
    return int(total * per_ms + 1e-6) if 0 <= total * per_ms < 1e15 else -1


_SETTERS: Final[Mapping[str, Callable[[Entry, Any], None]]] = {
    "address": _address,
    "bytes_out": _bytes_out,
    "forwarded": _forwarded,
    "http_method": _method,
    "path": _path,
    "request": _request,
    "status_code": _status,
    "user": _user,
    "user_agent": _agent,
}
