"""Will the iSCSI sessions under the repositories be there after a boot?

Metalink note 781659.1, in the white paper's references: /OVS is not mounted after a reboot.
"""

from __future__ import annotations

from ..model.findings import Finding, Severity
from ..model.iscsi import TargetPortal
from .coded import Check, Code, check
from .view import IscsiPath, View

NOT_AT_BOOT = Code(
    "iscsi-not-at-boot",
    Severity.WARNING,
    "a repository is on an iSCSI session that no boot brings back",
    "After the next boot the device of the repository is not there, so it is not mounted: this "
    "server is not in the pool until somebody logs in by hand. A boot logs in to the node "
    "records with node.startup = automatic; ovstools iscsi login makes them so.",
)
STATE = Code(
    "iscsi-session-lost",
    Severity.ERROR,
    "a repository is on an iSCSI session that does not answer",
    "The kernel holds what is written until the session is back, or until replacement_timeout "
    "has passed; then it reports errors. A server that cannot write its heartbeat for as long as "
    "o2cb's threshold allows fences itself. Look at the network to the storage, and at the target.",
)
UNIT_OFF = Code(
    "iscsi-unit-disabled",
    Severity.WARNING,
    "nothing logs in to iSCSI targets at boot",
    "The unit that logs in to the automatic node records (open-iscsi.service, on Oracle Linux "
    "iscsi.service) is disabled or masked. Enable it: systemctl enable NAME.",
)
LOGIN_UNITS = ("open-iscsi.service", "iscsi.service")


def _used(view: View) -> list[IscsiPath]:
    """Return the sessions whose disks are under a repository."""
    numbers = {mount.device_number for _, mount in view.mounted()}
    return [path for path in view.iscsi_paths if numbers & path.numbers]


def _is_used(view: View) -> bool:
    return bool(_used(view))


def _good(view: View) -> str:
    targets: dict[TargetPortal, None] = dict.fromkeys(path.at for path in _used(view))
    return f"{', '.join(map(str, targets))}: logged in at boot"


@check("iscsi", STATE, NOT_AT_BOOT, UNIT_OFF, needs=_is_used, good=_good)
def iscsi(view: View) -> list[Finding]:
    """Look whether the sessions under the repositories answer, and come back after a boot."""
    found = []
    for path in _used(view):
        if path.state != "LOGGED_IN":
            found.append(
                STATE.found(
                    f"the session with {path.at} does not answer",
                    f"its state is {path.state}; {path.device} is under a repository",
                    hint="is the network to the storage whole? journalctl -u iscsid",
                )
            )
        if path.startup is not None and path.startup != "automatic":
            found.append(
                NOT_AT_BOOT.found(
                    f"no boot logs in to {path.at}",
                    f"node.startup = {path.startup}" if path.startup else "there is no node record",
                    hint=f"ovstools iscsi login {path.at.iqn}@{path.at.portal}"
                    if path.startup
                    else f"ovstools iscsi discover {path.at.portal}; then ovstools iscsi login",
                )
            )
    return [*found, *_disabled(view)]


def _disabled(view: View) -> list[Finding]:
    units = [view.units[name] for name in LOGIN_UNITS if name in view.units]
    unit = next((unit for unit in units if unit.exists), None)
    if unit is None or (unit.is_enabled and not unit.is_masked):
        return []
    verb = "unmask" if unit.is_masked else "enable"
    state = "is masked" if unit.is_masked else "does not start at boot"
    return [UNIT_OFF.found(f"{unit.name} {state}", hint=f"systemctl {verb} {unit.name}")]


CHECKS: tuple[Check, ...] = (iscsi,)
