"""What o2cb's timing means in seconds: cluster-check --timing.

Sources: facts of the kernel's fs/ocfs2/cluster/heartbeat.c and quorum.c; the recovery of locks was
measured on virtual servers at 4 to 5 s.
"""

from __future__ import annotations

from ..checks.look import look
from ..checks.o2cb_settings import wanted_timing
from ..checks.view import View
from ..model.timing import Timing, format_timing
from ..system.host import Host
from .plan import Report, Table

#: the recovery thread of the lock manager runs within 5 s (fs/ocfs2/dlm/dlmrecovery.c)
LOCK_RECOVERY_S = 5
#: from the last lock granted to the command that starts the guest
REACTION_S = 1


def seconds(timing: Timing) -> dict[str, float]:
    """Return what follows from the timing, in seconds."""
    network_s = timing.idle_ms / 1000 + timing.quorum_delay_s
    return {
        "storage_lost_fence_s": timing.fence_s,
        "storage_hangs_negotiate_s": timing.fence_s / 2,
        "dead_s": timing.dead_s,
        "network_idle_s": timing.idle_ms / 1000,
        "network_lost_fence_s": network_s,
        "network_lost_dead_s": network_s + timing.dead_s,
        "failover_s": timing.dead_s + LOCK_RECOVERY_S + REACTION_S,
    }


def report(host: Host) -> Report:
    """Return the timing that is in force, or that is set, and what it means."""
    timing, origin = _in_force(look(host))
    values = seconds(timing)
    rows = (
        (_s(values["storage_lost_fence_s"]), "a server that loses its storage fences itself"),
        (
            _s(values["storage_hangs_negotiate_s"]),
            "storage that hangs for all servers: they agree to wait, and nobody is fenced",
        ),
        (_s(values["dead_s"]), "a server that died is declared dead by the others"),
        (_s(values["network_idle_s"]), "a lost network connection is noticed"),
        (_s(values["network_lost_fence_s"]), "with the network cut, the losing side is fenced"),
        (_s(values["network_lost_dead_s"]), "and the others take over its locks"),
        (
            _s(values["failover_s"]),
            f"after a power cut a guest is started elsewhere: {timing.dead_s} s heartbeat, about "
            f"{LOCK_RECOVERY_S} s for the locks, {REACTION_S} s reaction; the replay of the "
            "journal and the guest's own start come on top",
        ),
    )
    line = (
        f"timing {format_timing(timing)}, {origin}: threshold {timing.threshold}, idle "
        f"{timing.idle_ms} ms, keepalive {timing.keepalive_ms} ms, reconnect "
        f"{timing.reconnect_ms} ms"
    )
    data = {"timing": format_timing(timing), "origin": origin, **timing.to_vars(), **values}
    return Report((line,), data, table=Table(("AFTER", "THIS HAPPENS"), rows))


def _in_force(view: View) -> tuple[Timing, str]:
    if view.kernel is not None and view.kernel.dead_threshold > 0:
        return view.kernel.timing, "in force in the kernel"
    wanted = wanted_timing(view)
    if wanted is not None:
        return wanted, f"set in {view.o2cb_file}"
    return Timing(), "o2cb's default, nothing is set"


def _s(value: float) -> str:
    return f"{value:g} s"
