"""Will this server be back in the pool after a boot, and does it stay down when it crashes?"""

from __future__ import annotations

from ..model.findings import Finding, Severity
from .coded import Check, Code, check
from .membership import has_cluster
from .storage import has_list
from .view import View

UNIT_MISSING = Code(
    "unit-missing",
    Severity.WARNING,
    "a service of the pool is not installed",
    "Without ovsrepositories.service the repositories are not mounted after a boot; ovstools "
    "install-units installs it. o2cb's service comes with ocfs2-tools.",
)
UNIT_DISABLED = Code(
    "unit-disabled",
    Severity.WARNING,
    "a service of the pool does not start at boot",
    "After the next boot this server is not in the pool until the service is started by hand. "
    "Enable it: systemctl enable NAME.",
)
PANIC_SYSCTLS = Code(
    "panic-sysctls",
    Severity.WARNING,
    "the kernel may hang instead of restarting",
    "After a kernel error a server should panic and restart: half alive, it keeps its heartbeat "
    "and its locks while its guests stand still, and nobody takes them over. o2cb(7) wants "
    "kernel.panic_on_oops=1 and kernel.panic=30, in a file in /etc/sysctl.d.",
)
SLEEP_ALLOWED = Code(
    "sleep-allowed",
    Severity.INFO,
    "this server can be suspended",
    "A server that sleeps is declared dead and its guests start elsewhere; when it wakes up it "
    "may write to them until it is fenced. Mask systemd's sleep targets, and never pause or "
    "snapshot a pool server that is itself a virtual machine.",
)
SYSCTL_LINES = ("kernel.panic_on_oops = 1", "kernel.panic = 30")


def _needed_units(view: View) -> list[tuple[str, str]]:
    """Name the units that this server needs, and what installs them."""
    needed = [("o2cb.service", "install ocfs2-tools")] if has_cluster(view) else []
    if has_list(view):
        needed.append(("ovsrepositories.service", "ovstools install-units"))
    return needed


def _is_needed(view: View) -> bool:
    return bool(_needed_units(view))


@check(
    "services",
    UNIT_MISSING,
    UNIT_DISABLED,
    needs=_is_needed,
    good=lambda view: f"{', '.join(name for name, _ in _needed_units(view))} start at boot",
)
def services(view: View) -> list[Finding]:
    """Look whether the services that mount the repositories start at boot."""
    found = []
    for name, way_out in _needed_units(view):
        unit = view.units.get(name)
        if unit is None or not unit.exists:
            found.append(UNIT_MISSING.found(f"there is no {name}", hint=way_out))
        elif unit.is_masked:
            found.append(UNIT_DISABLED.found(f"{name} is masked", hint=f"systemctl unmask {name}"))
        elif not unit.is_enabled:
            found.append(
                UNIT_DISABLED.found(
                    f"{name} does not start at boot", hint=f"systemctl enable {name}"
                )
            )
    return found


def _is_live_member(view: View) -> bool:
    return view.node is not None and not view.is_offline


def _sysctls(view: View) -> str:
    return ", ".join(f"{name} = {value}" for name, value in view.sysctls.items())


@check("panic", PANIC_SYSCTLS, needs=_is_live_member, good=_sysctls)
def panic(view: View) -> list[Finding]:
    """Look whether a kernel that erred restarts."""
    wrong = [
        f"{name} = {value}"
        for name, value in view.sysctls.items()
        if value == "0"  # kernel.panic: waits for ever; below 0: restarts at once
    ]
    if not wrong:
        return []
    return [
        PANIC_SYSCTLS.found(
            "a kernel error may leave this server hanging instead of restarting it",
            *wrong,
            hint="\n".join(
                ["put into /etc/sysctl.d/90-ovs.conf, then run sysctl --system:", *SYSCTL_LINES]
            ),
        )
    ]


@check(
    "sleep",
    SLEEP_ALLOWED,
    needs=_is_live_member,
    good=lambda view: "systemd does not suspend this server",
)
def sleep(view: View) -> list[Finding]:
    """Look whether the server can be suspended."""
    unit = view.units.get("sleep.target")
    if unit is None or not unit.exists or unit.is_masked:
        return []
    return [
        SLEEP_ALLOWED.found(
            "this server can be suspended: asleep it counts as dead, and wakes with old locks",
            hint="systemctl mask sleep.target suspend.target hibernate.target hybrid-sleep.target",
        )
    ]


CHECKS: tuple[Check, ...] = (services, panic, sleep)
