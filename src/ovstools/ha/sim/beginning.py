"""What the pool file system says when a simulation begins."""

from __future__ import annotations

from ...model.owner_record import GuestState, OwnerRecord, RecordRead
from ..orders import MIGRATE, Entry, Order, Orders, Phase
from ..wishes import STARTED, Policy, Wishes
from .scenario import Scenario
from .store import Store


def store(scenario: Scenario) -> Store:
    """Return the files as `initial` describes them; guests are released otherwise."""
    numbers = {name: number for number, name in enumerate(scenario.nodes)}
    records: dict[str, RecordRead] = {}
    entries: dict[str, Entry] = {}
    pending = {n for n, state in scenario.node_states.items() if state == "fence-pending"}
    for guest, wish in scenario.guests.items():
        words = scenario.guest_states.get(guest, ())
        if not words and wish.home in pending and wish.state == STARTED:
            words = ("fence-pending", wish.home)
        owner = words[1] if words else wish.home
        state, target = GuestState.STOPPED, None
        if words:
            entries[guest], state, target = _entry(words, wish.home)
        records[guest] = OwnerRecord(
            guest, owner, numbers[owner], f"{owner}-before", "before", state, target
        )
    maintenance = frozenset(
        node for node, state in scenario.node_states.items() if state == "maintenance"
    )
    policy = Policy(**{**scenario.policy.__dict__, "maintenance": maintenance})
    has_past = bool(entries or scenario.master)
    return Store(
        wishes=Wishes(policy, dict(scenario.guests), scenario.rules),
        orders=Orders(
            epoch=1 if has_past else 0,
            sequence=len(entries),
            master=scenario.master,
            entries=entries,
        ),
        records=records,
        epoch=1 if has_past else 0,
    )


def _entry(words: tuple[str, ...], home: str) -> tuple[Entry, GuestState, str | None]:
    node = words[1]
    boot = f"{node}-before"
    if words[0] == "error":
        reason = "error before the simulation began"
        return Entry(Phase.ERROR, node, reason=reason, home=home), GuestState.STOPPED, None
    if words[0] == "fence-pending":
        return Entry(Phase.LOST, node, boot=boot, home=home), GuestState.RUNNING, None
    order = Order((1, 1), MIGRATE, node, words[2])
    entry = Entry(Phase.MIGRATING, node, order, words[2], boot, home=home)
    return entry, GuestState.MIGRATING, words[2]
