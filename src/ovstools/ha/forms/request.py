"""requests/UID.json: what a command asks of the master; the answer is in orders.json."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..wishes import Ask
from . import shape
from .event import format_time, parse_time
from .json_form import format_json, parse_json
from .odd import Odd
from .reading import Read

FORMAT = 1
#: it becomes the name of a file
uid = shape.matching(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}", "up to 64 letters, digits, _ and -")
_verb = shape.matching(r"[a-z][a-z-]{0,31}", "a verb")


class Request(NamedTuple):
    """What is asked; guest and node may be empty. by: the host that asks, time_s: its wall time.

    A verb that the reader does not know is answered, not refused here.
    """

    uid: str
    verb: str
    guest: str
    node: str
    by: str
    time_s: float

    @property
    def ask(self) -> Ask:
        """Return what the master decides by."""
        return Ask(self.uid, self.verb, self.guest, self.node)


def format_request(request: Request) -> bytes:
    """Return the file."""
    values = request._asdict()
    values["time"] = format_time(values.pop("time_s"))
    return format_json(FORMAT, values)


def parse_request(data: bytes, name: str) -> Read[Request]:
    """Read the request in the file of this name (without its ending)."""
    return parse_json(FORMAT, data, lambda value: _request(value, name))


_file = shape.record(
    {
        "uid": uid,
        "verb": _verb,
        "guest": shape.or_empty(shape.guest_name),
        "node": shape.or_empty(shape.node_name),
        "by": shape.text,
        "time": parse_time,
    },
    ("uid", "verb", "guest", "node", "by", "time"),
)


def _request(value: Any, name: str) -> Request:
    values = _file(value)
    if values["uid"] != name:
        raise Odd(f"{name}, as the file's name", values["uid"]).below("uid")
    return Request(time_s=values.pop("time"), **values)
