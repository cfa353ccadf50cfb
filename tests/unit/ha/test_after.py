"""Guests that start after others: probes, circles, and whom a guest waits for."""

from __future__ import annotations

import pytest

from ovstools.ha.after import Probe, cycles, probes
from ovstools.ha.orders import Entry, Phase
from ovstools.ha.report import Power
from ovstools.ha.view import Condition
from ovstools.ha.wishes import IGNORED, STOPPED, After, Wishes

from .pools import decided, report, running, view, waiting, wish

DB = After("db", "agent", 60.0)
TCP = "tcp:10.0.0.5:80"


def test_an_agent_asks_those_guests_here_that_somebody_waits_for() -> None:
    guests = (
        wish("web", after=(DB, After("here", TCP), After("up"), After("away", "agent"))),
        wish("app", after=(DB,)),
        wish("off", state=STOPPED, after=(After("here", "agent"),)),
    )
    wishes = Wishes(guests={each.name: each for each in guests})
    found = probes(wishes, {"db", "here", "up", "web"})
    assert found == (Probe("db", "agent"), Probe("here", TCP))
    assert list(map(str, found)) == ["db agent", f"here {TCP}"]
    assert probes(Wishes(), {"db"}) == ()


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ({"a": "b", "b": "c"}, {}),
        ({"a": "a"}, {"a": "a"}),
        ({"a": "b", "b": "a"}, {"a": "b", "b": "a"}),
        ({"a": "bx", "b": "c", "c": "a"}, {"a": "b", "b": "c", "c": "a"}),
        ({"d": "a", "a": "b", "b": "a"}, {"a": "b", "b": "a"}),
        ({"a": "b", "b": "ac", "c": "d", "d": "c"}, {"a": "b", "b": "a", "c": "d", "d": "c"}),
        ({"a": "nobody"}, {}),
    ],
)
def test_circles(edges: dict[str, str], expected: dict[str, str]) -> None:
    names = {*edges, *"abcdx"} - {"nobody"}
    guests = {
        name: wish(name, after=tuple(After(other) for other in edges.get(name, ())))
        for name in names
    }
    assert cycles(guests) == {name: frozenset(others) for name, others in expected.items()}


WEB = wish("web", after=(After("db"),))
WEB_AGENT = wish("web", after=(DB,))
ANSWERS = {"b": report("b", {"db": Power.RUNNING}, answering=frozenset({"db agent"}))}
SILENT = {"b": Condition.SILENT}


@pytest.mark.parametrize(
    ("web", "db", "entry", "more", "awaited"),
    [
        (WEB, wish("db"), running("b"), {}, False),
        (WEB, wish("db"), waiting("b", reason="no room"), {}, True),
        (WEB, wish("db"), Entry(Phase.STARTING, "b"), {}, True),
        (WEB, wish("db"), Entry(Phase.FROZEN, "b", boot="b-1"), {}, True),
        (WEB, wish("db"), Entry(Phase.ERROR, "b"), {}, False),
        (WEB, wish("db"), Entry(Phase.OFF, "b", halted=True), {}, False),
        (WEB, wish("db", state=STOPPED), Entry(Phase.OFF, "b"), {}, False),
        (WEB, wish("db", state=IGNORED), Entry(Phase.IGNORED, "b"), {}, False),
        (WEB, wish("other"), Entry(Phase.OFF, "b", halted=True), {}, False),
        (WEB_AGENT, wish("db"), running("b"), {}, True),
        (WEB_AGENT, wish("db"), running("b"), {"reports": ANSWERS}, False),
        (WEB_AGENT, wish("db"), running("b"), {"reports": ANSWERS, "conditions": SILENT}, True),
        (WEB, wish("db"), running("b"), {"conditions": SILENT}, False),
    ],
)
def test_what_is_waited_for(web, db, entry, more, awaited) -> None:  # type: ignore[no-untyped-def]
    entries = {"web": waiting(), db.name: entry}
    orders, _ = decided(view((web, db), entries, **more))
    found = orders.entries["web"]
    if awaited:
        assert found.phase is Phase.WAITING
        assert found.reason == f"starts after db ({web.after[0].wait})"
    else:
        assert (found.phase, found.reason) == (Phase.STARTING, "")


def test_a_timeout_starts_it_anyway_and_is_remembered() -> None:
    entries = {"web": waiting(reason="starts after db (agent)"), "db": running("b")}
    guests = (WEB_AGENT, wish("db"))
    orders, deciding = decided(view(guests, entries, now=1059.0, since={"web": 1000.0}))
    assert orders.entries["web"] == entries["web"]
    assert deciding.wake_at == 1060.0
    orders, deciding = decided(view(guests, entries, now=1060.0, since={"web": 1000.0}))
    assert orders.entries["web"].phase is Phase.STARTING
    assert orders.entries["web"].overdue == ("db",)
    text = "db (agent) took more than 60 s: started anyway"
    assert deciding.events == [("not waited for", "web", text)]
    again = waiting(overdue=("db",))
    orders, _ = decided(view(guests, {**entries, "web": again}))
    assert orders.entries["web"].phase is Phase.STARTING


def test_each_is_waited_for_in_turn() -> None:
    guests = (wish("web", after=(After("one"), After("two"))), wish("one"), wish("two"))
    frozen = Entry(Phase.FROZEN, "b", boot="b-1")
    orders, _ = decided(view(guests, {"web": waiting(), "one": frozen, "two": frozen}))
    assert orders.entries["web"].reason == "starts after one (started)"
    entries = {**orders.entries, "one": running("b")}
    orders, _ = decided(view(guests, entries))
    assert orders.entries["web"].reason == "starts after two (started)"


def test_a_circle_is_said_and_not_waited_for() -> None:
    guests = (wish("x", after=(After("y"),)), wish("y", after=(After("x"),)))
    orders, deciding = decided(view(guests, {"x": waiting(), "y": waiting()}))
    assert {entry.phase for entry in orders.entries.values()} == {Phase.STARTING}
    assert ("not waited for", "x", "y waits for it: a cycle") in deciding.events


def test_what_runs_forgets_for_whom_it_waited() -> None:
    entry = waiting(overdue=("db",))
    here = {"c": report("c", {"web": Power.RUNNING})}
    orders, _ = decided(view((WEB,), {"web": entry}, reports=here))
    assert orders.entries["web"] == running("c", boot="c-1")
