"""Would o2cb start this cluster, with valid timing, the one that is in force?"""

from __future__ import annotations

from ..errors import UsageError
from ..model.findings import Finding, Severity
from ..model.heartbeat import differences
from ..model.timing import Timing, format_timing, from_vars
from .coded import Check, Code, check
from .membership import has_cluster
from .view import View

SETTINGS_MISSING = Code(
    "o2cb-settings-missing",
    Severity.ERROR,
    "o2cb's settings file is missing",
    "The file (/etc/default/o2cb, on Oracle Linux /etc/sysconfig/o2cb) says whether o2cb starts "
    "and with which timing. It comes with ocfs2-tools; ovs-cluster-configure fills it in.",
)
O2CB_DISABLED = Code(
    "o2cb-disabled",
    Severity.ERROR,
    "o2cb is not enabled in its settings",
    "With O2CB_ENABLED other than true, starting o2cb succeeds and does nothing: after the next "
    "boot this server is not in the pool. ovs-cluster-configure sets it. (On Oracle Linux, "
    "stopping the o2cb service writes false, and starting it writes true.)",
)
BOOT_CLUSTER = Code(
    "o2cb-boot-cluster",
    Severity.ERROR,
    "o2cb starts another cluster than that of cluster.conf",
    "O2CB_BOOTCLUSTER names the cluster that o2cb brings online; it must be the name in "
    "cluster.conf. ovs-cluster-configure sets it.",
)
TIMING_INVALID = Code(
    "o2cb-timing-invalid",
    Severity.ERROR,
    "o2cb's timing is not valid",
    "A value is no number, below the least that o2cb takes, or contradicts another one. Set all "
    "of them with ovs-cluster-configure --timing, the same on every server.",
)
TIMING_DIFFERS = Code(
    "o2cb-timing-differs",
    Severity.ERROR,
    "the kernel runs with another timing than o2cb's settings say",
    "Servers with different timing refuse each other's connections. The settings were changed "
    "after o2cb was started, so the next boot takes this server out of the pool, or the change "
    "was never made effective. Timing changes while o2cb is stopped: on every server stop the "
    "services, run ovs-cluster-configure --timing, and start them.",
)


def has_settings(view: View) -> bool:
    """Be the condition of what compares o2cb's settings with cluster.conf."""
    return has_cluster(view) and view.o2cb_settings is not None


def wanted_timing(view: View) -> Timing | None:
    """Return the timing that o2cb's settings say; None when they are missing or not numbers."""
    if view.o2cb_settings is None:
        return None
    try:
        return from_vars(view.o2cb_settings.get)
    except UsageError:
        return None


def _settings(view: View) -> str:
    return f"{view.o2cb_file}: enabled, boots {view.cluster.name if view.cluster else ''}"


@check(
    "o2cb-settings",
    SETTINGS_MISSING,
    O2CB_DISABLED,
    BOOT_CLUSTER,
    needs=has_cluster,
    good=_settings,
)
def settings(view: View) -> list[Finding]:
    """Look whether o2cb would start this cluster."""
    assert view.cluster is not None
    if view.o2cb_settings is None:
        return [
            SETTINGS_MISSING.found(
                f"there is no {view.o2cb_file}",
                hint="install ocfs2-tools, then run ovs-cluster-configure",
            )
        ]
    found = []
    enabled = view.o2cb_settings.get("O2CB_ENABLED") or ""
    if enabled != "true":
        found.append(
            O2CB_DISABLED.found(
                f"O2CB_ENABLED is {enabled or 'not set'} in {view.o2cb_file}: "
                "o2cb will not start at boot",
                hint="ovs-cluster-configure",
            )
        )
    boots = view.o2cb_settings.get("O2CB_BOOTCLUSTER") or ""
    if boots != view.cluster.name:
        found.append(
            BOOT_CLUSTER.found(
                f"O2CB_BOOTCLUSTER is {boots or 'not set'} in {view.o2cb_file}, "
                f"the cluster of {view.paths.cluster_conf} is {view.cluster.name}",
                hint="ovs-cluster-configure",
            )
        )
    return found


def _timing(view: View) -> str:
    timing = wanted_timing(view)
    assert timing is not None
    return f"a dead server is noticed after {timing.dead_s} s ({format_timing(timing)})"


@check("o2cb-timing", TIMING_INVALID, TIMING_DIFFERS, needs=has_settings, good=_timing)
def timing(view: View) -> list[Finding]:
    """Look whether the timing is valid, and the one that is in force."""
    assert view.o2cb_settings is not None and view.cluster is not None
    hint = "the same on every server: ovs-cluster-configure --timing default"
    try:
        wanted = from_vars(view.o2cb_settings.get)
    except UsageError as error:
        return [TIMING_INVALID.found(f"{view.o2cb_file}: {error.what}", hint=hint)]
    found = [
        TIMING_INVALID.found(f"{view.o2cb_file}: {problem}", hint=hint)
        for problem in wanted.problems()
    ]
    if view.kernel is not None and view.kernel.name == view.cluster.name:
        others = differences(view.kernel, view.cluster)
        differing = [
            each for each in differences(view.kernel, view.cluster, wanted) if each not in others
        ]
        if differing:
            found.append(
                TIMING_DIFFERS.found(
                    "the kernel's timing is not the one that is set",
                    *differing,
                    hint="ovstools services stop; ovs-cluster-configure; ovstools services start",
                )
            )
    return found


CHECKS: tuple[Check, ...] = (settings, timing)
