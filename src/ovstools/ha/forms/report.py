"""nodes/NODE.json: what each agent reports of its server."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ..orders import OrderId
from ..report import (
    ACCEPTED,
    DONE,
    FAILED,
    POWER_OFF,
    REBOOT,
    REFUSED,
    Answer,
    Local,
    Power,
    Report,
)
from . import shape
from .json_form import format_json, parse_json
from .odd import Odd
from .reading import Read
from .shape import Reader

FORMAT = 1
_ORDER_ID = re.compile(r"(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,18})", re.ASCII)


class Sheet(NamedTuple):
    """A report as it is written: its rising number, and which life of the agent wrote it."""

    report: Report
    sequence: int
    incarnation: str


def format_report(sheet: Sheet) -> bytes:
    """Return the file."""
    report = sheet.report
    return format_json(
        FORMAT,
        {
            "node": report.node,
            "boot": report.boot,
            "incarnation": sheet.incarnation,
            "sequence": sheet.sequence,
            "node_lock": report.node_lock,
            "asked": report.asked,
            "leaving": report.leaving,
            "cpu": report.cpu,
            "mem_mb": report.mem_mb,
            "reserve_mb": report.reserve_mb,
            "repositories": _sorted(report.repositories),
            "lacking": dict(report.lacking),
            "answering": sorted(report.answering),
            "guests": {
                name: {"power": local.power.value, "locked": local.locked}
                for name, local in report.guests.items()
            },
            "answers": {
                f"{epoch}.{sequence}": dict(answer._asdict())
                for (epoch, sequence), answer in report.answers.items()
            },
        },
    )


def parse_report(data: bytes, node: str) -> Read[Sheet]:
    """Read the report of a server; one that another server wrote is unreadable.

    A key that is not known is passed over: what a later agent tells besides.
    """
    return parse_json(FORMAT, data, lambda value: _sheet(value, node))


def _sorted(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _order_id(value: Any) -> OrderId:
    found = _ORDER_ID.fullmatch(value)
    if not found:
        raise Odd("EPOCH.SEQUENCE", value)
    return int(found[1]), int(found[2])


_local = shape.record(
    {"power": shape.choice({power.value: power for power in Power}), "locked": shape.flag},
    ("power", "locked"),
)
_answer = shape.record(
    {"status": shape.one_of(DONE, FAILED, REFUSED, ACCEPTED), "text": shape.text},
    ("status",),
)
_READERS: dict[str, Reader[Any]] = {
    "node": shape.node_name,
    "boot": shape.text,
    "incarnation": shape.text,
    "sequence": shape.count,
    "node_lock": shape.flag,
    "asked": shape.flag,
    "leaving": shape.optional(shape.one_of(REBOOT, POWER_OFF)),
    "cpu": shape.number("a number from 0"),
    "mem_mb": shape.count,
    "reserve_mb": shape.count,
    "repositories": shape.optional(shape.set_of(shape.text)),
    "lacking": shape.table_of(shape.text, shape.text),
    "answering": shape.set_of(shape.text),
    "guests": shape.table_of(shape.text, lambda value: Local(**_local(value))),
    "answers": shape.table_of(_order_id, lambda value: Answer(**_answer(value))),
}
_file = shape.record(_READERS, tuple(_READERS), is_open=True)


def _sheet(value: Any, node: str) -> Sheet:
    values = _file(value)
    if values["node"] != node:
        raise Odd(node, values["node"]).below("node")
    sequence, incarnation = values.pop("sequence"), values.pop("incarnation")
    return Sheet(Report(**values), sequence, incarnation)
