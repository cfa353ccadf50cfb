"""The agent: a state machine without I/O. It observes, decides, and speaks one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from . import node
from .actions import (
    Action,
    AppendEvent,
    Issued,
    LeaveNow,
    PutToKeeper,
    ReleaseLock,
    Result,
    TakeLock,
    node_lock,
)
from .leading import Leading
from .leftovers import Leftovers
from .observation import Decision, Identity, Observation
from .orders import OrderId, Orders
from .report import ACCEPTED, REFUSED, Answer, Power
from .reporting import Reporting
from .rules import Rules
from .stuck import Stuck
from .switches import in_effect
from .work import Job

__all__ = ["Agent"]


class Agent:
    """One server's agent, in one life: what it remembers here is lost when it is killed."""

    def __init__(self, identity: Identity, rules: Rules | None = None) -> None:
        self.identity = identity
        self.rules = rules or Rules()
        self.orders = Orders()
        self.answers: dict[OrderId, Answer] = {}
        self.accepted_now: dict[OrderId, float] = {}  #: and when
        self.newest: dict[str, OrderId] = {}  #: of the orders begun, of each guest
        self.ended: dict[str, Power] = {}
        self.jobs: dict[str, Job] = {}
        self.verified: set[str] = set()
        self.highest_epoch = 0
        self.leading = Leading(self)
        self.reporting = Reporting(self)
        self.stuck = Stuck(self)
        self.leftovers = Leftovers(self)
        self._seen: Observation | None = None
        self._out: list[Issued] = []
        self._ticket = 0
        self._callbacks: dict[int, Callable[[Result], None]] = {}
        self._parked: list[tuple[Job, Result]] = []
        self._takes_node_lock = False
        self._has_remembered = False
        self._leaving_since: float | None = None
        self._has_left = False
        self._wake_at: float | None = None

    @property
    def seen(self) -> Observation:
        """Return the latest observation."""
        assert self._seen is not None
        return self._seen

    @property
    def has_node_lock(self) -> bool:
        """Tell whether the keeper holds this server's node lock."""
        is_kept = node_lock(self.identity.node) in self.seen.kept
        return is_kept or not self.rules.needs_own_node_lock()

    def step(self, observation: Observation) -> Decision:
        """Decide one cycle."""
        self._seen = observation = self._in_effect(self.rules.sight(observation))
        self._out = []
        self._wake_at = None
        can_act = observation.files is not None
        if can_act:
            self._remember(observation)
        for result in observation.results:
            callback = self._callbacks.pop(result.ticket, None)
            if callback is not None:
                callback(result)
        if not can_act:
            self.leading.blind()
            self.stuck.forget()
            is_new = not self._has_remembered
            return self._decision("begins" if is_new else "decides nothing, touches no guest")
        parked, self._parked = self._parked, []
        for job, result in parked:
            self._advance(job, result)
        self._own_lock()
        if observation.guests is not None:
            node.take_orders(self)
        node.look_after(self)
        node.forget_ended(self)
        self._leave()
        self.leading.lead()
        self.reporting.report()
        return self._decision(self.leading.sentence)

    def _in_effect(self, observation: Observation) -> Observation:
        """Let the guests be ignored when the pool's switch says so."""
        files = observation.files
        if files is None or files.wishes.policy.ha:
            return observation
        wishes = in_effect(files.wishes)
        if wishes is files.wishes:
            return observation
        return replace(observation, files=replace(files, wishes=wishes))

    def _decision(self, sentence: str) -> Decision:
        return Decision(tuple(self._out), sentence, self._wake_at)

    # ------------------------------------------------------------ actions and their results

    def issue(self, action: Action, callback: Callable[[Result], None] | None = None) -> None:
        """Ask the driver for something; the callback gets its result in a later cycle."""
        self._ticket += 1
        if callback is not None:
            self._callbacks[self._ticket] = callback
        self._out.append(Issued(self._ticket, action))

    def event(
        self,
        event: str,
        guest: str | None = None,
        text: str = "",
        proofs: tuple[str, ...] = (),
        parts: tuple[tuple[str, float], ...] = (),
    ) -> None:
        """Append an event."""
        self.issue(AppendEvent(event, guest, text, proofs, parts))

    def wake(self, moment: float | None) -> None:
        """Be called at that moment at the latest."""
        if moment is not None:
            self._wake_at = moment if self._wake_at is None else min(self._wake_at, moment)

    def begin(self, job: Job) -> None:
        """Begin a job on a guest that has none."""
        self.jobs[job.guest] = job
        self._advance(job, None)

    def _advance(self, job: Job, result: Result | None) -> None:
        if result is not None and self.seen.files is None:
            self._parked.append((job, result))
            return
        try:
            action = next(job.steps) if result is None else job.steps.send(result)
        except StopIteration as ended:
            del self.jobs[job.guest]
            if job.order is not None and ended.value is not None:
                self.answers[job.order.id] = ended.value
            return
        self.issue(action, lambda found: self._advance(job, found))

    # ------------------------------------------------------------ memory and reports

    def _remember(self, observation: Observation) -> None:
        files = observation.files
        if files is None:
            return
        if not self._has_remembered:
            self._has_remembered = True
            own = files.own
            if own is not None:
                answers = own.answers
                if own.boot != self.identity.boot:
                    anew = Answer(REFUSED, "this server has booted anew since it accepted that")
                    answers = dict.fromkeys(answers, anew)
                else:  # its hypervisor may have forgotten a guest, and how it ended
                    found = own.guests.items()
                    self.ended = {g: each.power for g, each in found if not each.power.is_here}
                self.answers = {**answers, **self.answers}
        self.highest_epoch = max(self.highest_epoch, files.epoch)
        if self.rules.accepts(files.orders, self.highest_epoch):
            self.highest_epoch = max(self.highest_epoch, files.orders.epoch)
            self.orders = files.orders

    def _own_lock(self) -> None:
        if self.has_node_lock or self._takes_node_lock or self.seen.stopping:
            return
        name = node_lock(self.identity.node)
        self._takes_node_lock = True

        def kept(result: Result) -> None:
            self._takes_node_lock = False

        def granted(result: Result) -> None:
            if result.ok:
                self.issue(PutToKeeper(name), kept)
            else:
                self._takes_node_lock = False

        self.issue(TakeLock(name, blocking=True), granted)

    # ------------------------------------------------------------ shutting down

    def has_left_for(self, seconds: float) -> bool:
        """Tell whether the shutdown began so long ago; if not, wake when it is."""
        assert self._leaving_since is not None
        self.wake(self._leaving_since + seconds)
        return self.seen.now >= self._leaving_since + seconds

    def _leave(self) -> None:
        if not self.seen.stopping or self._has_left:
            return
        if self._leaving_since is None:
            self._leaving_since = self.seen.now
            self.leading.give_up()
        if node.leave(self) and self.reporting.says_leaving:
            self._has_left = True
            self.issue(LeaveNow())

    @property
    def is_curious(self) -> bool:
        """Tell whether a job waits for what another server reports."""
        return any(answer.status == ACCEPTED for answer in self.answers.values())

    def release(self, name: str) -> None:
        """Close a lock of this process."""
        self.issue(ReleaseLock(name))
