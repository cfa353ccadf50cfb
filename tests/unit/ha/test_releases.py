"""Letting go of a guest that is not here: not while somebody starts it by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from ovstools.ha import releases
from ovstools.ha.actions import Action, DropFromKeeper, ReadRecord, Result, Wait, WriteRecord
from ovstools.ha.observation import Files, Identity, Observation
from ovstools.ha.orders import Orders
from ovstools.ha.report import Answer, Local, Power, Report, Seen
from ovstools.ha.reporting import Reporting
from ovstools.ha.rules import Rules
from ovstools.ha.wishes import Wishes
from ovstools.model.owner_record import BY_HAND, GuestState, Missing, OwnerRecord, RecordRead

OURS = OwnerRecord("uuid", "a", 0, "boot", "an-agent", GuestState.STARTING)
BY_HOOK = replace(OURS, incarnation=f"{BY_HAND}1234")


class Agent:
    """What a job sees of its agent; the guest appears at a moment, or never."""

    has_node_lock = True

    def __init__(self, appears: float | None, stops: float | None = None) -> None:
        self.identity = Identity("a", "boot", "an-agent", {"a": 0, "b": 1}, 62.0)
        self.rules = Rules()
        self.ended: dict[str, Power] = {}
        self.answers: dict[str, Answer] = {}
        self.orders = Orders()
        self.now = 0.0
        self.kept = frozenset({"guest-web1"})
        self.power: Power | None = None  #: what a guest that is not here has left behind
        self.can_drop = True
        self.live: frozenset[int] | None = None
        self.there: dict[str, Local] = {}  #: what the other server reports, every 2 s
        self.ended_at_drop: dict[str, Power] = {}
        self._appears = appears
        self._stops = stops

    @property
    def seen(self) -> Observation:
        """Return what is the case now."""
        is_here = self._appears is not None and self.now >= self._appears
        power = Power.RUNNING if is_here else self.power
        guests = {} if power is None else {"web1": power}
        stopping = "reboot" if self._stops is not None and self.now >= self._stops else None
        there = Report("b", "bootb", node_lock=True, asked=True, guests=self.there)
        said = Seen(there, int(self.now // 2), self.now, moved=True)
        files = Files(Wishes(), Orders(), {"b": said})
        return Observation(self.now, self.live, None, self.kept, frozenset(), guests, files,
                           stopping=stopping)  # fmt: skip

    def event(
        self, event: str, guest: str | None = None, text: str = "", proofs: tuple[str, ...] = (),
        parts: tuple[tuple[str, float], ...] = (),
    ) -> None:  # fmt: skip
        """Say nothing."""

    def carry_out(self, record: RecordRead) -> list[Action]:
        """Run the job to its end; return what it did besides reading and waiting."""
        steps = releases.release(self, "web1")
        done: list[Action] = []
        result: Result | None = None
        while True:
            try:
                action = next(steps) if result is None else steps.send(result)
            except StopIteration:
                return done
            if isinstance(action, Wait):
                self.now += action.seconds
            elif isinstance(action, DropFromKeeper):
                self.ended_at_drop = dict(self.ended)
                self.power = None  # its hypervisor forgets it first
                self.kept = frozenset() if self.can_drop else self.kept
            if not isinstance(action, (Wait, ReadRecord)):
                done.append(action)
            result = Result(0, True, record if isinstance(action, ReadRecord) else None)


@pytest.mark.parametrize("appears", [0.5, 59.0])
def test_a_guest_that_is_just_being_started_keeps_its_lock(appears: float) -> None:
    agent = Agent(appears)
    assert agent.carry_out(BY_HOOK) == []
    assert agent.ended == {}


@pytest.mark.parametrize(
    "record, stops, after_s",
    [
        (BY_HOOK, None, releases.BY_HAND_S),
        (BY_HOOK, 10.0, 10.0),
        (OURS, None, 0.0),
        (replace(BY_HOOK, state=GuestState.RUNNING), None, 0.0),
    ],
)
def test_one_that_never_came_is_released(
    record: OwnerRecord, stops: float | None, after_s: float
) -> None:
    agent = Agent(None, stops)
    written, dropped = agent.carry_out(record)
    assert isinstance(written, WriteRecord) and written.record.state is GuestState.STOPPED
    assert isinstance(dropped, DropFromKeeper)
    assert agent.now == after_s and agent.ended == {"web1": Power.CRASHED}


def test_how_it_ended_is_known_before_its_lock_goes() -> None:
    """Else a report between the two has neither, and the master takes that for a crash."""
    agent = Agent(None)
    agent.power = Power.SHUT_DOWN
    agent.carry_out(OURS)
    assert agent.ended_at_drop == {"web1": Power.SHUT_DOWN}


def test_a_second_try_remembers_how_it_ended() -> None:
    agent = Agent(None)
    agent.power, agent.can_drop = Power.SHUT_DOWN, False
    agent.carry_out(OURS)
    agent.can_drop = True
    agent.carry_out(OURS)
    assert agent.ended == {"web1": Power.SHUT_DOWN} and agent.kept == frozenset()


def test_one_that_went_elsewhere_is_reported_so_before_its_lock_goes() -> None:
    agent = Agent(None)
    agent.power = Power.MIGRATED
    written, _ = agent.carry_out(replace(OURS, state=GuestState.MIGRATING, target="b"))
    assert isinstance(written, WriteRecord) and written.record.owner == "b"
    assert agent.ended_at_drop == {"web1": Power.MIGRATED}


def test_one_that_went_nobody_knows_where_has_not_ended() -> None:
    agent = Agent(None)
    agent.power = Power.MIGRATED
    assert agent.carry_out(OURS) == []
    assert agent.ended == {} and agent.kept == {"guest-web1"}


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_report_says_how_it_ended_with_and_without_its_lock(is_kept: bool) -> None:
    agent = Agent(None)
    agent.ended = {"web1": Power.SHUT_DOWN}
    agent.kept = frozenset({"guest-web1"}) if is_kept else frozenset()
    report = Reporting(cast(Any, agent)).current()
    assert report.guests == {"web1": Local(Power.SHUT_DOWN, is_kept)}


THEIRS = replace(OURS, owner="b", owner_number=1, boot_id="bootb", state=GuestState.RUNNING)
SENT = replace(OURS, state=GuestState.MIGRATING, target="b")


@pytest.mark.parametrize(
    "record",
    [
        THEIRS,
        replace(THEIRS, state=GuestState.STOPPED),
        replace(THEIRS, state=GuestState.MIGRATING, target="c"),
        replace(THEIRS, state=GuestState.MIGRATING, target="a"),
        Missing(),
    ],
)
def test_the_record_of_others_is_left_as_it_is(record: RecordRead) -> None:
    """An earlier life of the agent was killed between the lock and the certificate."""
    assert Agent(None).carry_out(record) == [DropFromKeeper("guest-web1")]


def test_a_guest_that_went_is_handed_over_though_its_hypervisor_forgot_that() -> None:
    agent = Agent(None)
    agent.there = {"web1": Local(Power.PAUSED, False)}
    written, dropped = agent.carry_out(SENT)
    assert isinstance(written, WriteRecord) and isinstance(dropped, DropFromKeeper)
    assert (written.record.owner, written.record.state) == ("b", GuestState.MIGRATING)
    assert agent.ended_at_drop == {"web1": Power.MIGRATED}


def test_a_guest_that_was_being_sent_is_off_when_the_other_end_says_so() -> None:
    agent = Agent(None)
    agent.live = frozenset({0, 1})
    written, dropped = agent.carry_out(SENT)
    assert isinstance(written, WriteRecord) and written.record.state is GuestState.STOPPED
    assert isinstance(dropped, DropFromKeeper) and agent.now >= 4.0


@pytest.mark.parametrize("there", [{}, {"web1": Local(Power.RUNNING, True)}])
def test_a_guest_that_was_being_sent_keeps_its_lock_until_then(there: dict[str, Local]) -> None:
    agent = Agent(None)
    agent.there = there
    agent.live = frozenset({0, 1}) if there else None
    assert agent.carry_out(SENT) == []
