"""All checks in the order in which they are run and shown, and all codes."""

from __future__ import annotations

from ..model.findings import Finding
from . import (
    exports,
    fstab,
    heartbeat,
    iscsi,
    kernel_cluster,
    membership,
    o2cb_settings,
    peers,
    reboot,
    servers,
    space,
    storage,
)
from .coded import Check, Code, Outcome
from .view import View

CHECKS: tuple[Check, ...] = (
    *membership.CHECKS,
    *o2cb_settings.CHECKS,
    *kernel_cluster.CHECKS,
    *storage.CHECKS,
    *space.CHECKS,
    *iscsi.CHECKS,
    *exports.CHECKS,
    *heartbeat.CHECKS,
    *fstab.CHECKS,
    *peers.CHECKS,
    *reboot.CHECKS,
    *servers.CHECKS,
)
CODES: dict[str, Code] = {code.code: code for check in CHECKS for code in check.codes}


def run(view: View) -> tuple[Outcome, ...]:
    """Run every check on a view."""
    return tuple(check.run(view) for check in CHECKS)


def findings(outcomes: tuple[Outcome, ...]) -> tuple[Finding, ...]:
    """Gather what all checks had to say."""
    return tuple(finding for outcome in outcomes for finding in outcome.findings)
