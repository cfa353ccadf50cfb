"""Are the pool's other servers well, and do all have the same configuration? (--all)

They are asked over ssh before the checks run; what each answered is in the view.
"""

from __future__ import annotations

from ..model.config_standing import Own
from ..model.findings import Finding, Severity
from ..model.pool_config import fingerprint
from .coded import Check, Code, check
from .membership import is_in_cluster
from .o2cb_settings import wanted_timing
from .view import View

CONFIG_EDITED = Code(
    "config-edited",
    Severity.WARNING,
    "cluster.conf or o2cb's timing was edited since this server took the pool's",
    "All servers need the same nodes and timing, or the kernel refuses their connections. This "
    "server's were changed by hand after it had taken a generation of the pool's configuration, "
    "and the pool does not know of it. On the server whose files are right: ovs-cluster-check "
    "--master --propagate.",
)
SERVER_NOT_ASKED = Code(
    "server-not-asked",
    Severity.WARNING,
    "another server of the pool could not be asked",
    "With --all, and as master, every server runs its own check, asked over ssh (ovstools "
    "ssh-setup lets the servers log in on each other). One that is off, or does not let us in, "
    "says nothing: what its own check would find is unknown.",
)
SERVER_UNHEALTHY = Code(
    "server-unhealthy",
    Severity.ERROR,
    "another server of the pool is unhealthy",
    "Its own check found what the evidence lists. Log in there and run ovs-cluster-check.",
)
CONFIG_DIFFERS = Code(
    "config-differs",
    Severity.ERROR,
    "a server has another cluster.conf or timing than this one",
    "Nodes, numbers, addresses and o2cb's timing must be the same on all servers: the kernel "
    "refuses connections else, and two servers that give one number to different nodes overwrite "
    "each other's heartbeat. Find out which is right (cat /etc/ocfs2/cluster.conf on each), then "
    "on a server that has it: ovs-cluster-check --master --propagate.",
)


def own_fingerprint(view: View) -> str | None:
    """Return what this server must have alike with the others; None when it has no good files."""
    timing = wanted_timing(view)
    return None if view.cluster is None or timing is None else fingerprint(view.cluster, timing)


def _has_record(view: View) -> bool:
    return is_in_cluster(view) and view.record is not None and wanted_timing(view) is not None


def _generation(view: View) -> str:
    return f"generation {view.record.generation}" if view.record else ""


@check("pool-config", CONFIG_EDITED, needs=_has_record, good=_generation)
def pool_config(view: View) -> list[Finding]:
    """Look whether the files are still what the pool's were when they were taken."""
    timing = wanted_timing(view)
    assert view.cluster is not None and timing is not None and view.record is not None
    if not Own(view.cluster, timing, view.server, view.record).is_edited:
        return []
    return [
        CONFIG_EDITED.found(
            f"{view.paths.cluster_conf} or {view.o2cb_file} was edited since generation "
            f"{view.record.generation} of the pool's configuration",
            hint="if these files are right, here: ovs-cluster-check --master --propagate\n"
            "else on the master",
        )
    ]


def _asked(view: View) -> bool:
    return bool(view.others)


def _all_well(view: View) -> str:
    return f"{len(view.others) + 1} servers checked, all with the same configuration"


@check(
    "servers",
    SERVER_UNHEALTHY,
    CONFIG_DIFFERS,
    SERVER_NOT_ASKED,
    needs=_asked,
    good=_all_well,
)
def servers(view: View) -> list[Finding]:
    """Look at what the other servers' own checks said, and compare their configuration."""
    found = []
    for other in view.others:
        if other.problem:
            text = f"{other.name}: {other.problem}"
            found.append(SERVER_NOT_ASKED.found(text, hint=other.hint))
            continue
        if not other.is_healthy:
            found.append(
                SERVER_UNHEALTHY.found(
                    other.summary or f"{other.name} is unhealthy",
                    *other.findings,
                    hint=f"on {other.name}: ovs-cluster-check",
                )
            )
        mine = own_fingerprint(view)
        if None not in (mine, other.fingerprint) and mine != other.fingerprint:
            found.append(
                CONFIG_DIFFERS.found(
                    f"{other.name} has another cluster.conf or timing than {view.server}",
                    *other.nodes,
                    hint="on the server whose files are right: "
                    "ovs-cluster-check --master --propagate",
                )
            )
    return found


CHECKS: tuple[Check, ...] = (pool_config, servers)
