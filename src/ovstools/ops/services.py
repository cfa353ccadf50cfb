"""services: o2cb, ocfs2, ovsrepositories and ovs-agent, in that order, and exactly backwards.

White paper, "Special considerations": the order must be followed strictly. What systemd says
of a unit is not enough: o2cb's start succeeds and does nothing while it is not enabled, and
its failed stop leaves the cluster online. So each step is verified in the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RefusedError, ToolError
from ..model.heartbeat import KernelCluster
from ..model.shell_vars import ShellVars
from ..system import hb_ctl, mounts, o2cb, systemd
from ..system.host import Host
from . import listed, regions, repositories, unmounting
from .plan import Confirm, Plan, Report, Run, Step

O2CB, OCFS2 = o2cb.UNIT, "ocfs2.service"
REPOSITORIES, AGENT = "ovsrepositories.service", "ovs-agent.service"
START, STOP = "start", "stop"
DLMFS = "ocfs2_dlmfs"


@dataclass(frozen=True)
class Request:
    """The word of the command line: start or stop."""

    action: str


def plan(host: Host, request: Request) -> Plan:
    """Plan what brings all services up, or down."""
    if host.offline:
        raise RefusedError("with --root nothing is started or stopped")
    return _plan_start(host) if request.action == START else _plan_stop(host)


# -------------------------------------------------------------------- start


def _plan_start(host: Host) -> Plan:
    first = [*_o2cb_steps(host), *_unit_steps(host, OCFS2)]
    if first:
        # Whether a repository can be mounted is only known when the cluster is online.
        then = "the repositories are mounted after that"
        return Plan(tuple(first), notices=(then,), look_again=True)
    mounting = repositories.plan_start(host)
    notices = list(mounting.notices)
    steps = list(mounting.steps)
    if systemd.look(host, REPOSITORIES).exists:
        # Everything is mounted by then: this only tells systemd, for the next shutdown.
        steps += _unit_steps(host, REPOSITORIES)
    else:
        notices.append(_not_installed(REPOSITORIES, "the repositories were mounted directly"))
    if systemd.look(host, AGENT).exists:
        steps += _unit_steps(host, AGENT)
    else:
        notices.append(f"{AGENT} is not installed: skipped")
    line = "all services are running" if steps else "all services are already running"
    report = Report((line,), {"running": True, "changed": bool(steps)})
    return Plan(tuple(steps), report, tuple(notices))


def _o2cb_steps(host: Host) -> list[Step]:
    kernel = o2cb.read_kernel_cluster(host)
    if kernel is not None and kernel.is_online:
        return []
    _refuse_not_enabled(host)
    unit = systemd.look(host, O2CB)
    if not unit.exists:
        raise RefusedError(
            "there is no o2cb service on this server",
            hint="install it: apt-get install ocfs2-tools (Oracle Linux: dnf install ocfs2-tools)",
        )
    # "active" with nothing online: it was started while O2CB_ENABLED was false.
    start = systemd.restart if unit.is_active else systemd.start
    return [
        Step("start o2cb", Run(start(O2CB, host.settings.limits.service_s))),
        Step("verify in configfs", Confirm("a cluster is online", _confirm_online)),
    ]


def _refuse_not_enabled(host: Host) -> None:
    """Refuse where o2cb's start would succeed and do nothing.

    Oracle Linux' unit writes O2CB_ENABLED=true itself; Debian's init script reads it.
    """
    path = host.settings.paths.cluster_conf
    if host.read(path) is None:
        raise RefusedError(
            f"this server is in no cluster: there is no {path}", hint="ovs-cluster-configure"
        )
    defaults = o2cb.defaults_file(host)
    enabled = ShellVars.parse(host.read(defaults) or "").get("O2CB_ENABLED")
    if defaults.startswith("/etc/default/") and enabled != "true":
        raise RefusedError(
            "o2cb is not enabled: its start would say nothing and do nothing",
            f"{defaults}: O2CB_ENABLED={enabled or ''}",
            hint="ovs-cluster-configure enables and starts it",
        )


def _confirm_online(host: Host) -> None:
    kernel = o2cb.read_kernel_cluster(host)
    if kernel is None or not kernel.is_online:
        raise ToolError(
            "o2cb was started, but the kernel has no cluster online",
            hint="see journalctl -u o2cb, and dmesg",
        )


def _unit_steps(host: Host, name: str) -> list[Step]:
    unit = systemd.look(host, name)
    if not unit.exists or unit.is_active:
        return []

    def confirm(host: Host) -> None:
        if not systemd.look(host, name).is_active:
            raise ToolError(f"{name} was started, but is not active", hint=f"journalctl -u {name}")

    return [
        Step(f"start {name}", Run(systemd.start(name, host.settings.limits.service_s))),
        Step(f"verify {name}", Confirm(f"{name} is active", confirm)),
    ]


# --------------------------------------------------------------------- stop


def _plan_stop(host: Host) -> Plan:
    unlisted = _unlisted(host)
    # Debian's `ocfs2 stop` kills whoever uses an OCFS2, and `o2cb stop` whoever uses dlmfs.
    # So nobody may, and OCFS2 is unmounted here, by umount, which kills nobody.
    stopping = repositories.plan_stop(host, also=(*unlisted, *_dlmfs(host)))
    _refuse_held_regions(host)
    steps = _stop_unit(host, AGENT)
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
        notices.append(_not_installed(REPOSITORIES, "the repositories are unmounted directly"))
    if not systemd.look(host, AGENT).exists:
        notices.append(f"{AGENT} is not installed: skipped")
    line = "all services are stopped" if steps else "all services are already stopped"
    report = Report((line,), {"running": False, "changed": bool(steps)})
    return Plan(tuple(steps), report, tuple(notices))


def _unlisted(host: Host) -> tuple[str, ...]:
    """Return where OCFS2 is mounted that is no listed repository, the latest first."""
    known = {each.mountpoint for each in listed.read_listed(host) if each.is_mounted}
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


def _not_installed(unit: str, what: str) -> str:
    return f"{unit} is not installed: {what}; for the next boot: ovstools install-units"


def describe_cluster(kernel: KernelCluster | None) -> str:
    """Say in words what the kernel has of a cluster."""
    if kernel is None:
        return "no cluster in the kernel"
    state = "online" if kernel.is_online else "registered, not online"
    count = len([region for region in kernel.regions if region.is_active])
    return f"{kernel.name} {state}, {count} active region{'' if count == 1 else 's'}"
