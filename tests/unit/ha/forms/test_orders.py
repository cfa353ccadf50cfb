"""orders.json: exact round trips, and what is wrong is named."""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovstools.ha.forms.orders import format_orders, parse_orders
from ovstools.ha.forms.reading import Unreadable
from ovstools.ha.orders import MIGRATE, START, STOP, Entry, Order, Orders, Phase

NAMES = st.text("aZ09_.+-", max_size=6).map(lambda text: f"n{text}")
COUNTS = st.integers(0, 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SECONDS = st.floats(0, 1e9)
ORDERS = st.builds(
    Order, st.tuples(COUNTS, COUNTS), st.sampled_from([START, STOP, MIGRATE]), NAMES,
    st.none() | NAMES,
)  # fmt: skip
ENTRIES = st.builds(
    Entry, phase=st.sampled_from(Phase), node=NAMES | st.just(""), order=st.none() | ORDERS,
    target=st.none() | NAMES, boot=st.none() | TEXTS, reason=TEXTS, restarts=COUNTS,
    failed=st.lists(NAMES).map(tuple), wait_s=SECONDS, back_to=st.none() | NAMES,
    halted=st.booleans(), moves=COUNTS, ask=st.none() | TEXTS, home=NAMES | st.just(""),
    shunned=st.lists(NAMES).map(tuple), overdue=st.lists(NAMES).map(tuple),
)  # fmt: skip
FILES = st.builds(
    Orders, COUNTS, COUNTS, st.none() | NAMES, st.dictionaries(NAMES, ENTRIES, max_size=4),
    st.frozensets(NAMES), st.dictionaries(NAMES, TEXTS), st.dictionaries(TEXTS, TEXTS),
)  # fmt: skip

FULL = Entry(
    Phase.MIGRATING, "a", Order((3, 9), MIGRATE, "a", "b"), "b", "boot-1", "x: \n\u2028", 1,
    ("c",), 5.5, "c", True, 2, "uid", "a", ("d",), ("db1",),
)  # fmt: skip


@given(FILES)
@settings(max_examples=40)
def test_what_is_written_comes_back(orders: Orders) -> None:
    assert parse_orders(format_orders(orders)) == orders


def test_every_field_is_written() -> None:
    """An entry with nothing at its default: a new field must not be forgotten here or there."""
    assert not [
        name for name, value in Entry._field_defaults.items() if getattr(FULL, name) == value
    ]
    written = json.loads(format_orders(Orders(entries={"g": FULL})))
    assert set(written["guests"]["g"]) == set(Entry._fields)
    assert set(written["guests"]["g"]["order"]) == set(Order._fields)
    names = {"guests" if each.name == "entries" else each.name for each in fields(Orders)}
    assert set(written) == {*names, "format"}


def test_form() -> None:
    """Sorted, a line for each guest, defaults left out: made to be compared by diff(1)."""
    orders = Orders(3, 17, "a", {"web1": Entry(Phase.OFF, "a"), "db1": Entry(Phase.OFF, "b")})
    assert format_orders(orders).decode() == (
        '{\n "answers": {},\n "boots": {},\n "epoch": 3,\n "format": 1,\n "guests": {\n'
        '  "db1": {"node": "b", "phase": "off"},\n'
        '  "web1": {"node": "a", "phase": "off"}\n },\n'
        ' "master": "a",\n "node_locks": [],\n "sequence": 17\n}\n'
    )


def test_order_of_guests_makes_no_difference() -> None:
    entries = {"a": Entry(Phase.OFF, "n"), "b": FULL}
    again = dict(reversed(entries.items()))
    assert format_orders(Orders(entries=entries)) == format_orders(Orders(entries=again))


def damaged(**changes: Any) -> bytes:
    """Return a sound file with other values for some keys."""
    return json.dumps({**json.loads(format_orders(Orders())), **changes}).encode()


def entry(**changes: Any) -> bytes:
    """Return a file with one guest that has other values."""
    return damaged(guests={"web1": {"phase": "off", "node": "a", **changes}})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "expected JSON (Expecting value), found ''"),
        (b"\0" * 99, "expected JSON"),
        (b'{"format": 1', "expected JSON"),
        (b'{\n"format": 1,\n"epoch" 3}', "line 3: expected JSON (Expecting ':' delimiter)"),
        (b"[]", "expected keys and values, found []"),
        (b"\xff{}", "expected UTF-8 text"),
        (b'{"format": 1, "epoch": NaN}', "expected a number, found 'NaN'"),
        (b'{"format": 1, "epoch": 1, "epoch": 2}', "expected every key once, found 'epoch'"),
        (b"[" * 100000, "expected JSON"),
        (b'{"format": 1, "epoch": ' + b"9" * 5000 + b"}", "expected"),
        (b"{}", "format: expected 1, found nothing"),
        (damaged(format="1"), "format: expected a whole number from 1, found '1'"),
        (damaged(format=0), "format: expected a whole number from 1, found 0"),
        (damaged(epoch=True), "epoch: expected a whole number from 0, found True"),
        (damaged(epoch=-1), "epoch: expected a whole number from 0, found -1"),
        (damaged(epoch=1.0), "epoch: expected a whole number from 0, found 1.0"),
        (damaged(epoch=2**63), "epoch: expected a whole number"),
        (damaged(haste=1), "expected one of the keys epoch, sequence, "),
        (damaged(master=""), "master: expected the name of a server"),
        (damaged(node_locks="ab"), "node_locks: expected a list, found 'ab'"),
        (damaged(node_locks=["a", 2]), "node_locks[2]: expected the name of a server"),
        (damaged(guests=[]), "guests: expected keys and values, found []"),
        (damaged(guests={"../x": {}}), "guests.../x: expected the name of a guest"),
        (damaged(guests={"x": {"phase": "off"}}), "guests.x.node: expected a value, found nothing"),
        (entry(phase="of"), "guests.web1.phase: expected off or starting"),
        (entry(node=None), "guests.web1.node: expected the name of a server"),
        (entry(order=[1, 2]), "guests.web1.order: expected keys and values"),
        (entry(order={"id": [1], "verb": "stop", "node": "a"}), "guests.web1.order.id: expected"),
        (entry(order={"id": [1, 2], "verb": "x", "node": "a"}), "guests.web1.order.verb: expected"),
        (entry(wait_s="5"), "guests.web1.wait_s: expected seconds"),
        (entry(wait_s=float("1e400")), "expected a number, found 'Infinity'"),
        (entry(halted="on"), "guests.web1.halted: expected true or false, found 'on'"),
        (entry(haltd=True), "guests.web1: expected one of the keys phase, node"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(data: bytes, reason: str) -> None:
    read = parse_orders(data)
    assert isinstance(read, Unreadable)
    assert reason in read.reason
    assert not read.is_newer


def test_newer_format_is_told_from_damage() -> None:
    read = parse_orders(damaged(format=2, guests="of another form"))
    assert read == Unreadable("format 2; this ovstools knows up to 1", is_newer=True)


def test_a_missing_key_is_no_default() -> None:
    for key in ("epoch", "guests", "node_locks", "boots", "answers"):
        values = json.loads(format_orders(Orders()))
        del values[key]
        read = parse_orders(json.dumps(values).encode())
        assert read == Unreadable(f"{key}: expected a value, found nothing")


@given(st.binary(max_size=60))
def test_no_bytes_raise(data: bytes) -> None:
    assert isinstance(parse_orders(data), Unreadable)


def test_half_a_surrogate_pair_does_no_harm() -> None:
    read = parse_orders(entry(reason="\udcff"))
    assert isinstance(read, Orders)
    assert read.entries["web1"].reason == "?"


def calls_of_parsing(guests: int) -> int:
    """Count the functions that are called to read orders for so many guests."""
    data = format_orders(Orders(entries={f"web{number}": FULL for number in range(guests)}))
    calls: list[str] = []
    sys.setprofile(lambda _frame, event, _arg: calls.append(event))
    try:
        parse_orders(data)
    finally:
        sys.setprofile(None)
    return len(calls)


def test_each_guest_costs_as_much_as_the_one_before() -> None:
    ten, hundred, two_hundred = (calls_of_parsing(guests) for guests in (10, 100, 200))
    assert two_hundred - hundred == pytest.approx(10 / 9 * (hundred - ten), rel=0.05)
