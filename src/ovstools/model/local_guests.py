"""/run/ovs/guests.json: which guests are under HA, as this server's agent last read it.

So that a hook knows without the pool file system whether it has anything to do with a guest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

NAME, FORMAT = "guests.json", 1


class LocalGuest(NamedTuple):
    """A guest under HA: its hypervisor, and its UUID; both empty when they are not known."""

    hypervisor: str = ""
    uuid: str = ""


def parse_local_guests(text: str) -> Mapping[str, LocalGuest] | None:
    """Return the guests by name; None: there is nothing that can be relied on."""
    try:
        values = json.loads(text)
        if values["format"] != FORMAT:
            return None
        return {
            str(name): LocalGuest(str(guest["hypervisor"]), str(guest["uuid"]))
            for name, guest in values["guests"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
