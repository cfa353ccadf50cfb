"""repositories: mount and unmount everything that is listed; the ovsrepositories service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import ExitStatus, OvsError, RefusedError
from ..system.heartbeat_sample import HeartbeatSample
from ..system.host import Host
from . import (
    catch_up,
    export_start,
    listed,
    listed_unmount,
    mounting,
    repository_mount,
    unmounting,
)
from .attempts import Attempt, TryEach
from .listed import Listed
from .plan import Plan, Report, Step
from .repository_mount import Ready

START, STOP, RESTART, RELOAD = "start", "stop", "restart", "reload"


@dataclass(frozen=True)
class Request:
    """The words of the command line; wait_s: for late devices, or for users to end."""

    action: str
    wait_s: float | None = None


def plan(host: Host, request: Request) -> Plan:
    """Plan what mounts, or unmounts, all listed repositories."""
    if host.offline:
        raise RefusedError("with --root nothing is mounted or unmounted")
    if request.action == STOP:
        return plan_stop(host, wait_s=request.wait_s or 0)
    if request.action == RESTART and any(each.is_mounted for each in listed.read_listed(host)):
        stop = plan_stop(host)
        notices = (*stop.notices, "they are mounted again after that")
        return Plan(stop.steps, notices=notices, look_again=True)
    # What a restart has unmounted is mounted in the second look, as is a reload's part.
    return plan_start(host, request.wait_s)


def is_idle(host: Host, action: str) -> bool:
    """Tell whether everything is mounted, or nothing, as asked; no plan without steps is made."""
    known = () if host.offline else listed.read_listed(host)
    if action != STOP and not host.offline:
        mounting.refuse_two_roots(host, mounting.read_list(host))
    if action == STOP:
        return not any(each.is_mounted for each in known)
    done = all(each.is_whole and each.repository.uuid is not None for each in known)
    return done and action != RESTART


def plan_start(host: Host, wait_s: float | None = None) -> Plan:
    """Plan the mount of what is listed and not mounted: the cluster root first.

    Raises RefusedError when there is something to mount and none of it can be.
    """
    mounting.refuse_two_roots(host, mounting.read_list(host))
    caught_up = catch_up.plan(host)
    if caught_up.steps:
        return caught_up
    known = listed.read_listed(host)
    missing = [each for each in known if not each.is_whole]
    _await_devices(host, missing, wait_s)
    attempts = _attempts(host, missing, known)
    attempts += tuple(_filled_in(host, each) for each in known if _lacks_uuid(each))
    notices = (*caught_up.notices, *listed.unknown_lines(host))
    if not attempts:
        return Plan(report=_mounted_report(known, changed=0), notices=notices)
    change = TryEach("mounted", attempts)
    if all(each.refused for each in attempts):
        change.apply(host)  # raises the refusals as one, and changes nothing
    step = Step(f"mount {', '.join(each.name for each in attempts)}", change)
    return Plan((step,), _mounted_report(known, changed=len(missing)), notices)


def plan_stop(
    host: Host, also: tuple[str, ...] = (), wait_s: float = 0, stops_agent: bool = False
) -> Plan:
    """Plan the unmount of all listed repositories, in exactly the reverse order.

    also: other mountpoints that the caller unmounts; wait_s: for users to end; stops_agent: the
    caller stops the agent first, and has the keeper drop the locks of servers. Raises
    RefusedError, before anything is unmounted, when any of them is in use.
    """
    mounted = [each for each in reversed(listed.read_listed(host)) if each.is_mounted]
    places = tuple(each.mountpoint for each in mounted if each.mountpoint)
    above = tuple(place for each in mounted for place in listed_unmount.pool_places(host, each))
    unmounting.refuse_in_use(host, (*above, *places, *also), wait_s, stops_agent)
    steps: list[Step] = [] if stops_agent else unmounting.pool_steps(host, (*above, *places))
    notices = list(listed.unknown_lines(host))
    for each, place in zip(mounted, places):
        steps += listed_unmount.steps(host, each)
        notices += unmounting.refs_notice(host, each.repository.uuid, place)
    for each in listed.read_listed(host):
        if each.state == listed.TAKEN and each.mount is not None:
            notices.append(f"{each.mount.source} is mounted at {each.mountpoint}: left alone")
    count = len(places)
    line = f"{_counted(count)} unmounted" if count else "no repository was mounted"
    return Plan(tuple(steps), Report((line,), {"unmounted": list(places)}), tuple(notices))


def status(host: Host) -> Report:
    """Say whether all listed repositories are mounted."""
    known = listed.read_listed(host)
    lines = [f"{each.name}: {each.state}{_where(each)}" for each in known]
    missing = [each for each in known if not each.is_whole]
    lines.append(f"{len(known) - len(missing)} of {_counted(len(known))} mounted")
    data = {
        "mounted": [each.mountpoint for each in known if each.is_mounted],
        "missing": [each.name for each in missing],
    }
    return Report(tuple(lines), data, ExitStatus.UNHEALTHY if missing else ExitStatus.OK)


def _await_devices(host: Host, missing: Sequence[Listed], wait_s: float | None) -> None:
    """Wait for devices that appear late at boot: all of them together, and only so long."""
    limit_s = host.settings.limits.device_wait_s if wait_s is None else wait_s
    deadline = host.clock.monotonic() + limit_s
    absent = _absent(host, missing)
    if absent and limit_s:
        host.talk.notice(f"wait up to {limit_s:g} s for {', '.join(absent)}")
    while absent and host.clock.monotonic() < deadline:
        host.clock.sleep(0.5)
        absent = _absent(host, missing)


def _absent(host: Host, missing: Sequence[Listed]) -> list[str]:
    found = []
    for each in missing:
        source = each.repository.source
        is_device = source.startswith("/dev/")
        if (is_device and host.kind(source) == "missing") or (
            not is_device and export_start.is_absent(host, each.repository)
        ):
            found.append(source)
    return found


def _attempts(
    host: Host, missing: Sequence[Listed], known: Sequence[Listed]
) -> tuple[Attempt, ...]:
    """Return what mounts each that is missing, or why it is refused."""
    looked: list[tuple[Listed, Ready | list[Step] | OvsError]] = []
    for each in missing:
        try:
            if export_start.export_of(each.repository) is not None:
                looked.append((each, export_start.start_steps(host, each)))
            else:
                looked.append((each, repository_mount.look(host, each.repository)))
        except OvsError as error:
            looked.append((each, error))
    watched = [found.watched for _, found in looked if isinstance(found, Ready) and found.watched]
    if watched:
        host.talk.notice(f"read the heartbeat area of {', '.join(watched)} twice")
    sample = HeartbeatSample(host, watched)
    root = known[0] if known and known[0].repository.cluster_root else None
    attempts = []
    for each, found in looked:
        needs = root.name if root and root is not each and not root.is_mounted else None
        try:
            if isinstance(found, OvsError):
                raise found
            if isinstance(found, Ready):
                steps = repository_mount.mount_steps(host, found, sample)
                steps += [catch_up.newer_step()] if found.repository.cluster_root else []
            else:
                steps = found
            attempts.append(Attempt(each.name, tuple(steps), needs))
        except OvsError as error:
            attempts.append(Attempt(each.name, needs=needs, refused=error))
    return tuple(attempts)


def _lacks_uuid(each: Listed) -> bool:
    return each.is_whole and each.repository.uuid is None


def _filled_in(host: Host, each: Listed) -> Attempt:
    """A run that was killed between the mount and the list left a line without UUID."""
    try:
        if export_start.export_of(each.repository) is not None:
            return Attempt(each.name, tuple(export_start.filled_in_steps(host, each)))
        uuid = repository_mount.read_uuid(host, each.repository.source)
    except OvsError as error:
        return Attempt(each.name, refused=error)
    return Attempt(each.name, (repository_mount.record_step(host, each.repository, uuid),))


def _mounted_report(known: Sequence[Listed], changed: int) -> Report:
    count = len(known)
    if not count:
        return Report(("no repository is listed",), {"listed": 0, "changed": 0})
    already = "" if changed else "already "
    line = f"{_counted(count)} {already}mounted"
    return Report((line,), {"listed": count, "changed": changed})


def _where(each: Listed) -> str:
    if each.mount is None:
        return ""
    if each.is_mounted:
        return f" at {each.mountpoint}{', without its heartbeat' if each.lacks_heartbeat else ''}"
    return f": {each.mount.source} is at {each.mountpoint}"


def _counted(count: int) -> str:
    return f"{count} {'repository' if count == 1 else 'repositories'}"
