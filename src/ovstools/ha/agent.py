"""The agent: a state machine without I/O. It observes, decides, and speaks one sentence."""

from __future__ import annotations

from collections.abc import Callable

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
    WriteReport,
    node_lock,
)
from .leading import Leading
from .observation import Decision, Identity, Observation
from .orders import OrderId, Orders
from .report import ACCEPTED, REFUSED, Answer, Local, Power, Report
from .rules import Rules
from .work import Job

__all__ = ["Agent"]


class Agent:
    """One server's agent, in one life: what it remembers here is lost when it is killed."""

    def __init__(self, identity: Identity, rules: Rules | None = None) -> None:
        self.identity = identity
        self.rules = rules or Rules()
        self.orders = Orders()
        self.answers: dict[OrderId, Answer] = {}
        self.accepted_now: set[OrderId] = set()
        self.ended: dict[str, Power] = {}
        self.jobs: dict[str, Job] = {}
        self.verified: set[str] = set()
        self.highest_epoch = 0
        self.leading = Leading(self)
        self._seen: Observation | None = None
        self._out: list[Issued] = []
        self._ticket = 0
        self._callbacks: dict[int, Callable[[Result], None]] = {}
        self._parked: list[tuple[Job, Result]] = []
        self._written: Report | None = None
        self._writes_report = False
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
        self._seen = observation = self.rules.sight(observation)
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
            return self._decision("blind: the pool file system cannot be read and written")
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
        self._report()
        return self._decision(self.leading.sentence)

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
        self, event: str, guest: str | None = None, text: str = "", proofs: tuple[str, ...] = ()
    ) -> None:
        """Append an event."""
        self.issue(AppendEvent(event, guest, text, proofs))

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
                self.answers = {**answers, **self.answers}
        self.highest_epoch = max(self.highest_epoch, files.epoch)
        if self.rules.accepts(files.orders, self.highest_epoch):
            self.highest_epoch = max(self.highest_epoch, files.orders.epoch)
            self.orders = files.orders

    def has_written(self, order_id: OrderId) -> bool:
        """Tell whether the acceptance of an order is on storage."""
        return self._written is not None and order_id in self._written.answers

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

    def _report(self) -> None:
        if self._writes_report:
            return
        files = self.seen.files
        own = files.own if files is not None else None
        if self.seen.guests is None and own is not None and own.boot == self.identity.boot:
            return  # what an earlier life knew of the guests stands until they have answered
        report = self._current()
        is_there = files is not None and files.own == self._written
        if report == self._written and is_there:
            return  # else: a write of an earlier life came late, over ours
        self._writes_report = True

        def written(result: Result) -> None:
            self._writes_report = False
            if result.ok:
                self._written = report

        self.issue(WriteReport(report), written)

    def _current(self) -> Report:
        seen, identity = self.seen, self.identity
        guests = {guest: Local(power, False) for guest, power in self.ended.items()}
        for guest, power in (seen.guests or {}).items():
            guests[guest] = Local(power, f"guest-{guest}" in seen.kept)
        for name in sorted(seen.kept):
            guest = name[len("guest-") :]
            if name.startswith("guest-") and guest not in guests:
                guests[guest] = Local(Power.CRASHED, True)
        return Report(
            node=identity.node,
            boot=identity.boot,
            node_lock=self.has_node_lock,
            asked=seen.guests is not None,
            guests=guests,
            answers=dict(self.answers),
            leaving=seen.stopping,
            cpu=identity.cpu,
            mem_mb=identity.mem_mb,
            reserve_mb=identity.reserve_mb,
        )

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
        is_reported = self._written is not None and self._written.leaving is not None
        if node.leave(self) and is_reported and self._current() == self._written:
            self._has_left = True
            self.issue(LeaveNow())

    @property
    def is_curious(self) -> bool:
        """Tell whether a job waits for what another server reports."""
        return any(answer.status == ACCEPTED for answer in self.answers.values())

    def release(self, name: str) -> None:
        """Close a lock of this process."""
        self.issue(ReleaseLock(name))
