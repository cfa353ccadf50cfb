"""What libvirt's states and reasons mean for a guest under HA.

The rule: a state that nothing may follow from is STUCK, or MOVING when not all of the guest may be
in memory here. Both count as here. A MOVING one is neither resumed nor adopted: libvirtd ends it
when the other end is lost. An end that nobody has explained is CRASHED.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...model.domain import DomainState
from ..report import Power

#: VIR_DOMAIN_NOSTATE ... VIR_DOMAIN_PMSUSPENDED, except for the two below
_STATES: Mapping[str, Power] = {
    "running": Power.RUNNING,  # VIR_DOMAIN_RUNNING
    "idle": Power.RUNNING,  # VIR_DOMAIN_BLOCKED: a Xen guest that waits
    "in shutdown": Power.RUNNING,  # VIR_DOMAIN_SHUTDOWN: it is still in memory
    "pmsuspended": Power.RUNNING,  # VIR_DOMAIN_PMSUSPENDED: the guest sleeps, and may wake
    "crashed": Power.STUCK,  # VIR_DOMAIN_CRASHED: kept in memory by on_crash=preserve
}
#: VIR_DOMAIN_PAUSED_: only these two may be resumed by the agent
_PAUSED: Mapping[str, Power] = {
    "user": Power.PAUSED,  # _USER: by virsh suspend, or wholly arrived by migrate --suspend
    "from snapshot": Power.PAUSED,  # _FROM_SNAPSHOT: by virsh snapshot-revert --paused
    "saving": Power.RUNNING,  # _SAVE: virsh save and managedsave; it ends as `saved`
    "dumping": Power.RUNNING,  # _DUMP: goes on by itself
    "creating snapshot": Power.RUNNING,  # _SNAPSHOT: goes on by itself
    "shutting down": Power.RUNNING,  # _SHUTTING_DOWN
    "migrating": Power.MOVING,  # _MIGRATION: arriving here, or the last moments at the source
    "starting up": Power.MOVING,  # _STARTING_UP: so does each arrival begin, too
    "post-copy": Power.MOVING,  # _POSTCOPY: the other end has part of it
    "post-copy failed": Power.MOVING,  # _POSTCOPY_FAILED
    # STUCK: _IOERROR, _WATCHDOG, _CRASHED, _API_ERROR, _UNKNOWN
}
#: VIR_DOMAIN_SHUTOFF_
_SHUT_OFF: Mapping[str, Power] = {
    "shutdown": Power.SHUT_DOWN,  # _SHUTDOWN: from inside, or asked to by virsh shutdown
    "destroyed": Power.DESTROYED,  # _DESTROYED: by virsh destroy
    "migrated": Power.MIGRATED,  # _MIGRATED
    "saved": Power.DESTROYED,  # _SAVED: put away by a person, who wants it off
    "from snapshot": Power.DESTROYED,  # _FROM_SNAPSHOT: reverted by a person to when it was off
    # CRASHED: _CRASHED, _FAILED (it did not start), _DAEMON (lost by libvirtd), _UNKNOWN
    # (libvirtd was restarted since: it keeps no reason)
}


def power_of(found: DomainState) -> Power:
    """Return what a domain's state means."""
    if found.state == "paused":
        return _PAUSED.get(found.reason, Power.STUCK)
    if found.state == "shut off":
        return _SHUT_OFF.get(found.reason, Power.CRASHED)
    return _STATES.get(found.state, Power.STUCK)
