"""services: o2cb, ocfs2, ovsrepositories and ovs-agent, in that order, and exactly backwards.

White paper, "Special considerations": the order must be followed strictly. What systemd says
of a unit is not enough: o2cb's start succeeds and does nothing while it is not enabled, and
its failed stop leaves the cluster online. So each step is verified in the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RefusedError
from ..system.host import Host
from .plan import Plan
from .service_start import plan_start
from .service_stop import plan_stop

START, STOP = "start", "stop"


@dataclass(frozen=True)
class Request:
    """The words of the command line: start or stop; guests: what stop does about those here."""

    action: str
    guests: str | None = None


def plan(host: Host, request: Request) -> Plan:
    """Plan what brings all services up, or down."""
    if host.offline:
        raise RefusedError("with --root nothing is started or stopped")
    return plan_start(host) if request.action == START else plan_stop(host, request.guests)
