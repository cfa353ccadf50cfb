"""orders.json: what the master decided of each guest."""

from __future__ import annotations

from typing import Any

from ..orders import MIGRATE, START, STOP, Entry, Order, OrderId, Orders, Phase
from . import shape
from .json_form import format_json, parse_json
from .odd import Odd
from .reading import Read

#: a key that an older ovstools does not know means something to it: it needs a new format
FORMAT = 1
_DEFAULTS = Entry._field_defaults


def format_orders(orders: Orders) -> bytes:
    """Return the file; what a guest's entry has by default is left out."""
    return format_json(
        FORMAT,
        {
            "epoch": orders.epoch,
            "sequence": orders.sequence,
            "master": orders.master,
            "guests": {name: _entry_values(entry) for name, entry in orders.entries.items()},
            "node_locks": sorted(orders.node_locks),
            "boots": dict(orders.boots),
            "answers": dict(orders.answers),
        },
    )


def parse_orders(data: bytes) -> Read[Orders]:
    """Read the file's bytes."""
    return parse_json(FORMAT, data, _orders)


def _entry_values(entry: Entry) -> dict[str, Any]:
    values = entry._asdict()
    found = {k: v for k, v in values.items() if k not in _DEFAULTS or v != _DEFAULTS[k]}
    found["phase"] = entry.phase.value
    if entry.order is not None:
        found["order"] = {k: v for k, v in entry.order._asdict().items() if v is not None}
    return found


def order_id(value: Any) -> OrderId:
    """Read an order's number: epoch and sequence."""
    if not isinstance(value, list) or len(value) != 2:
        raise Odd("an epoch and a sequence number", value)
    return shape.count(value[0]), shape.count(value[1])


_order = shape.record(
    {
        "id": order_id,
        "verb": shape.one_of(START, STOP, MIGRATE),
        "node": shape.node_name,
        "to": shape.node_name,
    },
    ("id", "verb", "node"),
)
_entry = shape.record(
    {
        "phase": shape.choice({phase.value: phase for phase in Phase}),
        "node": shape.or_empty(shape.node_name),
        "order": lambda value: Order(**_order(value)),
        "target": shape.node_name,
        "boot": shape.text,
        "reason": shape.text,
        "restarts": shape.count,
        "failed": shape.list_of(shape.node_name),
        "wait_s": shape.seconds,
        "back_to": shape.node_name,
        "halted": shape.flag,
        "moves": shape.count,
        "ask": shape.text,
        "home": shape.node_name,
        "shunned": shape.list_of(shape.node_name),
        "overdue": shape.list_of(shape.guest_name),
    },
    ("phase", "node"),
)
_file = shape.record(
    {
        "epoch": shape.count,
        "sequence": shape.count,
        "master": shape.optional(shape.node_name),
        "guests": shape.table_of(shape.guest_name, lambda value: Entry(**_entry(value))),
        "node_locks": shape.set_of(shape.node_name),
        "boots": shape.table_of(shape.node_name, shape.text),
        "answers": shape.table_of(shape.text, shape.text),
    },
    ("epoch", "sequence", "master", "guests", "node_locks", "boots", "answers"),
)


def _orders(value: Any) -> Orders:
    values = _file(value)
    return Orders(entries=values.pop("guests"), **values)
