"""iscsid, which keeps sessions, and the unit that logs in at boot."""

from __future__ import annotations

from ..errors import RefusedError, ToolError
from ..system import systemd
from ..system.host import Host
from ..system.systemd import Unit
from .plan import Confirm, Run, Step

#: systemd starts the service when somebody speaks to the socket
SOCKET, DAEMON = "iscsid.socket", "iscsid.service"
#: Debian's unit that logs in at boot, and Oracle Linux' (in Debian an alias of the first)
LOGIN_UNITS = ("open-iscsi.service", "iscsi.service")
INITIATOR_NAME = "/etc/iscsi/initiatorname.iscsi"
MULTIPATHD = "multipathd.service"


def start_steps(host: Host) -> list[Step]:
    """Return the steps that start iscsid; none when it runs or its socket listens.

    Raises RefusedError with --root, and where open-iscsi is not installed, masked, or has no
    initiator name.
    """
    refuse_offline(host)
    units = [systemd.look(host, name) for name in (SOCKET, DAEMON)]
    if any(unit.is_active for unit in units):
        return []
    there = [unit for unit in units if unit.exists]
    if not there:
        raise RefusedError(
            "there is no iscsid on this server",
            *(f"{unit.name} is {unit.load_state}" for unit in units),
            hint="install it: apt-get install open-iscsi "
            "(Oracle Linux: dnf install iscsi-initiator-utils)",
        )
    _refuse_nameless(host)
    name = there[0].name

    def is_started(host: Host) -> None:
        if not systemd.look(host, name).is_active:
            raise ToolError(f"{name} was started, but is not active", hint=f"journalctl -u {name}")

    return [
        Step(f"start {name}", Run(systemd.start(name, host.settings.limits.service_s))),
        Step(f"verify {name}", Confirm(f"{name} is active", is_started)),
    ]


def refuse_offline(host: Host) -> None:
    """Raise RefusedError with --root: an image has no sessions."""
    if host.offline:
        raise RefusedError(
            "with --root nothing is logged in or out", hint="run it on the server itself"
        )


def _refuse_nameless(host: Host) -> None:
    text = host.read(INITIATOR_NAME) or ""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    if not any(line.startswith(("InitiatorName=", "GenerateName=yes")) for line in lines):
        raise RefusedError(
            f"this server has no initiator name: {INITIATOR_NAME} has none",
            hint=f"give it one of its own: echo InitiatorName=$(iscsi-iname) > {INITIATOR_NAME}",
        )


def boot_steps(host: Host) -> list[Step]:
    """Return the steps that have this server log in to its automatic records at each boot.

    Raises RefusedError where the unit for that is masked.
    """
    login = next((unit for unit in _looked(host, LOGIN_UNITS) if unit.exists), None)
    units = [login] if login else []
    units += [unit for unit in _looked(host, (SOCKET,)) if unit.exists]
    steps = []
    for unit in units:
        if unit.enabled.startswith("masked"):
            raise RefusedError(
                f"{unit.name} is masked: after a boot this server would not log in",
                hint=f"systemctl unmask {unit.name}",
            )
        if unit.enabled == "disabled":
            steps.append(Step(f"start {unit.name} at boot", Run(systemd.enable(unit.name))))
    return steps


def _looked(host: Host, names: tuple[str, ...]) -> list[Unit]:
    return [systemd.look(host, name) for name in names]


def has_multipathd(host: Host) -> bool:
    """Tell whether multipathd runs."""
    return systemd.look(host, MULTIPATHD).is_active
