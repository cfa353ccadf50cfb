"""What each agent does with orders, its locks and its hypervisors: which jobs to begin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from . import jobs, releases, transfers
from .actions import guest_lock
from .orders import MIGRATE, START, STOP, Order, Phase
from .report import ACCEPTED, DONE, FAILED, REFUSED, Answer, Power
from .switches import is_frozen
from .wishes import IGNORED
from .wishes import MIGRATE as MIGRATE_POLICY
from .work import Job, Steps, is_here, power_of

if TYPE_CHECKING:
    from .agent import Agent

#: how long a guest of a server that shuts down waits for the master's order
ORDER_WAIT_S = 60.0


def own_orders(agent: Agent) -> Iterator[tuple[str, Order]]:
    """Yield the orders to this server."""
    me = agent.identity.node
    for guest, entry in agent.orders.entries.items():
        if entry.order is not None and entry.order.node == me:
            yield guest, entry.order


def take_orders(agent: Agent) -> None:
    """Accept new orders, begin those whose acceptance is on storage, settle interrupted ones."""
    current = set()
    for guest, order in own_orders(agent):
        current.add(order.id)
        answer = agent.answers.get(order.id)
        if answer is None:
            agent.answers[order.id] = Answer(ACCEPTED)
            # else it was carried out, and a late write of a former master has brought it back
            if guest not in agent.newest or order.id > agent.newest[guest]:
                agent.accepted_now[order.id] = agent.seen.now
        elif answer.status == ACCEPTED and guest not in agent.jobs:
            if order.id in agent.accepted_now:
                if agent.reporting.has_written(order.id):
                    since = agent.accepted_now.pop(order.id)
                    _begin(agent, guest, order, since)
            elif agent.rules.repeats():
                _begin(agent, guest, order, agent.seen.now)
            else:
                settled = interrupted(agent, guest, order)
                if settled is not None:
                    agent.answers[order.id] = settled
                    agent.newest[guest] = order.id
    if not agent.orders.epoch:
        return  # nothing was read yet: what an earlier life answered must not be forgotten
    working = {job.order.id for job in agent.jobs.values() if job.order is not None}
    for order_id in [each for each in agent.answers if each not in current | working]:
        del agent.answers[order_id]
        agent.accepted_now.pop(order_id, None)


def _begin(agent: Agent, guest: str, order: Order, since: float) -> None:
    agent.newest[guest] = order.id
    files = agent.seen.files
    if files is not None and is_frozen(files.wishes.policy):
        agent.answers[order.id] = Answer(REFUSED, "HA is off for the pool")
    else:
        agent.begin(Job(guest, order.verb, order, _steps(agent, guest, order, since)))


def _steps(agent: Agent, guest: str, order: Order, since: float) -> Steps:
    if order.verb == START:
        return jobs.start(agent, guest, order, since)
    if order.verb == STOP:
        return jobs.stop(agent, guest, order)
    return transfers.migrate(agent, guest, order)


def interrupted(agent: Agent, guest: str, order: Order) -> Answer | None:
    """Answer an order that an earlier life of this agent accepted, by what the hypervisors say."""
    if agent.seen.guests is None or guest in agent.seen.busy:
        return None
    here = is_here(agent, guest)
    kept = guest_lock(guest) in agent.seen.kept
    if order.verb == START:
        if here and kept:
            return Answer(DONE, "found running after an interruption")
        return None if here or kept else Answer(REFUSED, "interrupted before the start")
    if order.verb == STOP:
        if here:
            return Answer(REFUSED, "interrupted before the stop")
        return None if kept else Answer(DONE, "found off after an interruption")
    if order.verb == MIGRATE and here:
        return Answer(FAILED, "interrupted; it still runs here")
    return None if kept else Answer(DONE, "found gone after an interruption")


def look_after(agent: Agent) -> None:
    """Begin what the hypervisors and the keeper call for, without any order."""
    seen = agent.seen
    if seen.files is None or not agent.rules.knows_guests(seen):
        return
    guests = seen.guests or {}
    agent.verified &= {guest for guest, power in guests.items() if power is Power.RUNNING}
    agent.verified -= {job.guest for job in agent.jobs.values() if job.verb != "repair"}
    agent.stuck.look()
    for name in sorted(seen.kept):
        guest = name[len("guest-") :]
        if not name.startswith("guest-") or guest in agent.jobs or guest in seen.busy:
            continue
        power = guests.get(guest)
        if power is None or not power.is_here:
            agent.begin(Job(guest, "release", None, releases.release(agent, guest)))
        elif power is Power.PAUSED:
            agent.begin(Job(guest, "resume", None, transfers.resume(agent, guest)))
        elif power is Power.STUCK:
            attempt = agent.stuck.attempt(guest)
            if attempt is not None:
                agent.begin(Job(guest, "resume", None, attempt))
        elif power is Power.RUNNING:
            agent.stuck.runs(guest)
            if guest not in agent.verified:
                agent.verified.add(guest)
                agent.begin(Job(guest, "repair", None, transfers.repair(agent, guest)))
    if not agent.has_node_lock:
        return
    for guest, power in guests.items():
        if guest in agent.jobs or guest in seen.busy or guest_lock(guest) in seen.kept:
            continue
        wish = seen.files.wishes.guests.get(guest)
        if wish is None or seen.stopping or (wish.state == IGNORED and power is not Power.PAUSED):
            continue
        if power is Power.PAUSED:
            agent.begin(Job(guest, "receive", None, transfers.receive(agent, guest)))
        elif power.is_here and power is not Power.MOVING:  # which arrives, or its hypervisor ends
            agent.begin(Job(guest, "adopt", None, transfers.adopt(agent, guest)))
    for guest, entry in agent.orders.entries.items():
        if guest in agent.jobs or guest in seen.busy or guest_lock(guest) in seen.kept:
            continue
        steps = agent.leftovers.attempt(guest, entry)
        if steps is not None:
            agent.begin(Job(guest, "settle", None, steps))


def leave(agent: Agent) -> bool:
    """Empty a server that shuts down; return True when nothing of the pool is left on it."""
    seen = agent.seen
    assert seen.files is not None
    guests = [name[len("guest-") :] for name in sorted(seen.kept) if name.startswith("guest-")]
    policy = seen.files.wishes.policy
    is_known = agent.identity.node in agent.orders.boots
    is_patient = policy.ha and policy.shutdown == MIGRATE_POLICY and is_known
    for guest in guests:
        if guest in agent.jobs or guest in seen.busy or not is_here(agent, guest):
            continue
        entry = agent.orders.entries.get(guest)
        has_order = entry is not None and entry.order is not None
        if is_patient and entry is not None and entry.phase is not Phase.ERROR:
            limit = policy.drain_s if has_order else ORDER_WAIT_S
            if not agent.has_left_for(limit):
                continue
        agent.begin(Job(guest, "stop", None, jobs.stop(agent, guest, None)))
    return agent.rules.may_leave([*guests, *agent.jobs])


def forget_ended(agent: Agent) -> None:
    """Drop reasons that the master has taken note of."""
    for guest in list(agent.ended):
        entry = agent.orders.entries.get(guest)
        is_noted = entry is None or entry.phase is not Phase.RUNNING
        if is_noted or is_here(agent, guest) or (entry and entry.node != agent.identity.node):
            del agent.ended[guest]


__all__ = ["forget_ended", "leave", "look_after", "own_orders", "power_of", "take_orders"]
