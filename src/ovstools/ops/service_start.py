"""services start: what is down, in order; each is verified in the kernel."""

from __future__ import annotations

from ..errors import RefusedError, ToolError
from ..model.shell_vars import ShellVars
from ..system import o2cb, systemd
from ..system.host import Host
from ..system.pool_units import AGENT, KEEPER, O2CB, OCFS2, REPOSITORIES
from . import repositories
from .plan import Confirm, Plan, Report, Run, Step


def plan_start(host: Host) -> Plan:
    """Plan the start; the repositories in a second look, when the cluster is online."""
    first = [*_o2cb_steps(host), *_unit_steps(host, OCFS2)]
    if first:
        # Whether a repository can be mounted is only known when the cluster is online.
        then = "the repositories are mounted after that"
        return Plan(tuple(first), notices=(then,), look_again=True)
    mounting = repositories.plan_start(host)
    if mounting.look_again:  # it takes over the pool's newer configuration first
        return mounting
    notices = list(mounting.notices)
    steps = list(mounting.steps)
    if systemd.look(host, REPOSITORIES).exists:
        # Everything is mounted by then: this only tells systemd, for the next shutdown.
        steps += _unit_steps(host, REPOSITORIES)
    else:
        notices.append(not_installed(REPOSITORIES, "the repositories were mounted directly"))
    for unit in (KEEPER, AGENT):
        steps += _unit_steps(host, unit)
        if not systemd.look(host, unit).exists:
            notices.append(f"{unit} is not installed: skipped")
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


def not_installed(unit: str, what: str) -> str:
    """Return the notice for a unit that is not there."""
    return f"{unit} is not installed: {what}; for the next boot: ovstools install-units"
