"""Which file of the pool file system has which form; what cannot be used says why."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...model import master_record
from ...model.lock_names import FOLDER as LOCKS
from ...model.lock_names import MASTER, guest_lock
from ...model.sealed_block import Missing, Unreadable
from ..forms import guest_file, orders, policy, report, request, rules
from ..wishes import IGNORED, Wish

ORDERS, POLICY, RULES = "orders.json", "pool.yaml", "rules.yaml"
MASTER_FILE = f"{LOCKS}/{MASTER}"
GUESTS, REQUESTS, NODES = "guests", "requests", "nodes"
ENDINGS = {GUESTS: ".yaml", REQUESTS: ".json", NODES: ".json"}


class Unusable(NamedTuple):
    """What was found instead; is_newer: a later ovstools wrote it."""

    reason: str
    is_newer: bool = False


def parse(name: str, data: bytes) -> Any:
    """Return the value of a file's content, None for an empty master record, or Unusable."""
    folder = name.partition("/")[0]
    if name == MASTER_FILE:
        found: Any = master_record.parse_master(data)
    elif folder == NODES:
        found = report.parse_report(data, stem(name))
    elif folder == GUESTS:
        found = guest_file.parse_guest(data, stem(name))
    elif folder == REQUESTS:
        found = request.parse_request(data, stem(name))
    else:
        table = {ORDERS: orders.parse_orders, POLICY: policy.parse_policy, RULES: rules.parse_rules}
        found = table[name](data)
    if isinstance(found, Missing):
        return None
    if isinstance(found, Unreadable):
        return Unusable(found.reason, found.is_newer)
    return found


def stem(name: str) -> str:
    """Return a file's name without folder and ending."""
    return name.rpartition("/")[2].rpartition(".")[0]


def is_ours(folder: str, name: str) -> bool:
    """Tell whether a name in a folder is one of the pool's: others are left alone, unread."""
    if not name.endswith(ENDINGS[folder]):
        return False
    try:
        guest_lock(stem(name))  # the same letters as a lock's name
    except ValueError:
        return False
    return True


def hands_off(name: str) -> Wish:
    """Return the wish for a guest whose file cannot be used: leave it as it is."""
    return Wish(stem(name), home="", state=IGNORED)
