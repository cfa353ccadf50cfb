"""services stop: what is up, exactly backwards, and nothing while anything uses an OCFS2.

Debian's `ocfs2 stop` kills whoever uses an OCFS2 (fuser -km), and its `o2cb stop` whoever
uses dlmfs. So nobody may, and OCFS2 is unmounted here, by umount, which kills nobody.
"""

from __future__ import annotations

from ..errors import RefusedError, ToolError
from ..system import hb_ctl, mounts, o2cb, systemd
from ..system.host import Host
from ..system.pool_units import AGENT, O2CB, OCFS2, REPOSITORIES
from . import (
    guest_leaving,
    guests_here,
    listed,
    listed_unmount,
    node_locks,
    regions,
    repositories,
    unmounting,
)
from .plan import Confirm, Plan, Report, Run, Step
from .service_start import not_installed

DLMFS = "ocfs2_dlmfs"


def plan_stop(host: Host, leaving: str | None = None) -> Plan:
    """Plan the stop; raise RefusedError before anything is stopped, naming what is in use.

    leaving: how guests leave this server first, when there are any; else they are a refusal.
    """
    guests = guests_here.look(host)
    if guests:
        return Plan(tuple(guest_leaving.leave_steps(host, guests, leaving)), look_again=True)
    unlisted = _unlisted(host)
    stopping = repositories.plan_stop(host, also=(*unlisted, *_dlmfs(host)), stops_agent=True)
    _refuse_held_regions(host)
    steps = _agent_steps(host, tuple(m.mountpoint for m in mounts.mounted_ocfs2(host)))
    above = tuple(place for place in unlisted if _is_above_listed(host, place))
    for place in above:
        steps += unmounting.unmount_steps(host, place, None)
    steps += stopping.steps
    steps += _stop_unit(host, REPOSITORIES)
    for place in unlisted:
        if place not in above:
            steps += unmounting.unmount_steps(host, place, None)
    ocfs2 = _stop_unit(host, OCFS2)
    if ocfs2:
        steps.append(
            Step("look before ocfs2 stops", Confirm("no OCFS2 is mounted", _confirm_no_ocfs2))
        )
    steps += ocfs2
    steps += _o2cb_stop_steps(host)
    notices = list(stopping.notices)
    if stopping.steps and not systemd.look(host, REPOSITORIES).exists:
        notices.append(not_installed(REPOSITORIES, "the repositories are unmounted directly"))
    if not systemd.look(host, AGENT).exists:
        notices.append(f"{AGENT} is not installed: skipped")
    line = "all services are stopped" if steps else "all services are already stopped"
    report = Report((line,), {"running": False, "changed": bool(steps)})
    return Plan(tuple(steps), report, tuple(notices))


def _agent_steps(host: Host, mounted: tuple[str, ...]) -> list[Step]:
    """Stop the agent, and let go of what it leaves behind: that would keep /OVS busy.

    ovs-locks.service itself runs on, holding nothing: it refuses to be stopped.
    """
    steps = _stop_unit(host, AGENT)
    if mounted:
        steps.append(node_locks.agent_gone_step(mounted))
    names = node_locks.kept(host)
    if steps or names:
        steps.append(node_locks.drop_step(names))
    if _guarded(host):
        title = "wait for the keeper to guard them no longer"
        steps.append(Step(title, Confirm("the units may be stopped", _confirm_unguarded)))
    return steps


def _guarded(host: Host) -> list[str]:
    """Return the units that the keeper has systemd not stop: the last guest has just gone."""
    looked = [systemd.look(host, unit) for unit in (REPOSITORIES, OCFS2, O2CB)]
    return [unit.name for unit in looked if unit.refuses_stop]


def _confirm_unguarded(host: Host) -> None:
    deadline = host.clock.monotonic() + host.settings.limits.settle_s
    while found := _guarded(host):
        if host.clock.monotonic() >= deadline:
            raise ToolError(
                f"systemd still refuses to stop {', '.join(found)}",
                hint=f"a guest is being started here, or: systemctl show -P DropInPaths {found[0]}",
            )
        host.clock.sleep(0.5)


def _unlisted(host: Host) -> tuple[str, ...]:
    """Return where OCFS2 is mounted that is no listed repository, the latest first."""
    mounted = [each for each in listed.read_listed(host) if each.is_mounted]
    known = {each.mountpoint for each in mounted}
    known.update(place for each in mounted for place in listed_unmount.pool_places(host, each))
    found = [m.mountpoint for m in mounts.mounted_ocfs2(host) if m.mountpoint not in known]
    return tuple(dict.fromkeys(reversed(found)))


def _dlmfs(host: Host) -> tuple[str, ...]:
    return tuple(m.mountpoint for m in mounts.read_mounts(host).mounts if m.fstype == DLMFS)


def _is_above_listed(host: Host, place: str) -> bool:
    return any(
        each.is_mounted and place.startswith(f"{each.mountpoint}/")
        for each in listed.read_listed(host)
    )


def _refuse_held_regions(host: Host) -> None:
    """Refuse while a region would stay active when everything is unmounted."""
    kernel = o2cb.read_kernel_cluster(host)
    if kernel is None or kernel.mode == "global":  # global regions end with o2cb itself
        return
    for region in kernel.regions:
        mounted = regions.mounts_of(host, region.uuid)
        extra = hb_ctl.read_refs(host, region.uuid) - len(mounted)
        if extra > 0 or not mounted:
            raise RefusedError(
                f"heartbeat region {region.uuid} is held by more than its mounts; "
                "o2cb would not stop",
                f"{max(extra, 0)} references besides {len(mounted)} mounts, "
                f"on /dev/{region.device or '?'}",
                hint=("ovstools repositories stop; " if mounted else "")
                + f"ovs-hb-ctl stop {region.uuid}",
            )


def _stop_unit(host: Host, name: str) -> list[Step]:
    unit = systemd.look(host, name)
    if not unit.exists or not unit.is_active:
        return []

    def confirm(host: Host) -> None:
        if systemd.look(host, name).is_active:
            raise ToolError(f"{name} was stopped, but is active", hint=f"journalctl -u {name}")

    return [
        Step(f"stop {name}", Run(systemd.stop(name, host.settings.limits.service_s))),
        Step(f"verify {name}", Confirm(f"{name} is not active", confirm)),
    ]


def _confirm_no_ocfs2(host: Host) -> None:
    found = mounts.mounted_ocfs2(host)
    if found:
        raise ToolError(
            f"{found[0].mountpoint} was mounted meanwhile: ocfs2 stop would kill who uses it",
            hint="run the command again",
        )


def _o2cb_stop_steps(host: Host) -> list[Step]:
    kernel = o2cb.read_kernel_cluster(host)
    unit = systemd.look(host, O2CB)
    if kernel is None and not unit.is_active:
        return []
    steps = [Step("look before o2cb stops", Confirm("no region is active", _confirm_no_region))]
    if unit.is_active:
        steps.append(Step("stop o2cb", Run(systemd.stop(O2CB, host.settings.limits.service_s))))
    elif kernel is not None:
        # Started by hand, or left online by a stop that failed: systemd would do nothing.
        unregister = Run(o2cb.unregister_cluster(kernel.name))
        steps.append(Step(f"take {kernel.name} out of the kernel", unregister))
    steps.append(Step("verify in configfs", Confirm("no cluster is there", _confirm_no_cluster)))
    return steps


def _confirm_no_region(host: Host) -> None:
    kernel = o2cb.read_kernel_cluster(host)
    if kernel is not None and kernel.mode != "global" and kernel.regions:
        raise ToolError(
            f"heartbeat region {kernel.regions[0].uuid} is still active; o2cb would not stop",
            hint=f"see who holds it: ovs-hb-ctl status {kernel.regions[0].uuid}",
        )


def _confirm_no_cluster(host: Host) -> None:
    kernel = o2cb.read_kernel_cluster(host)
    if kernel is not None:
        raise ToolError(
            f"o2cb was stopped, but the kernel still has cluster {kernel.name}",
            hint="see journalctl -u o2cb",
        )
