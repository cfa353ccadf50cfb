"""Is there room left on the repositories?

White paper: servers that share a repository "may quickly result in insufficient disk space being
available under /OVS".
"""

from __future__ import annotations

from ..model.findings import Finding, Severity
from ..system.filesystems import Space
from .coded import Check, Code, check
from .view import View

GIB = 2**30

NEARLY_FULL = Code(
    "repository-nearly-full",
    Severity.WARNING,
    "a repository is nearly full",
    "Guests whose images grow get I/O errors when it is full, and the agents of guest HA can write "
    "no more reports. Grow its LUN on the storage, then run ovstools repositories grow on each "
    "server; or add a repository with ovs-makerepo SOURCE 1 DESCRIPTION. From where on it is said: "
    "full_percent in /etc/ovs/ovstools.yaml (90).",
)
SILENT = Code(
    "repository-silent",
    Severity.WARNING,
    "a repository does not answer",
    "df waited 10 s for it in vain. While the locks of a dead server are recovered that is "
    "normal, and passes. When it stays, the storage hangs: see dmesg and the path to it. "
    "Repositories behind it in the list were not asked.",
)


def _asked(view: View) -> bool:
    return bool(view.spaces)


def _percent(space: Space) -> float:
    return 100 * space.used / space.size if space.size else 0.0


def _room(view: View) -> str:
    found = [f"{place} {_percent(space):.0f} %" for place, space in view.spaces.items() if space]
    return f"used: {', '.join(found)}"


@check("space", NEARLY_FULL, SILENT, needs=_asked, good=_room)
def space(view: View) -> list[Finding]:
    """Look whether a repository is nearly full."""
    found = []
    for place, each in view.spaces.items():
        if each is None:
            found.append(SILENT.found(f"{place} does not answer", hint="see the end of dmesg"))
        elif _percent(each) >= view.full_percent:
            found.append(
                NEARLY_FULL.found(
                    f"{place} is {_percent(each):.0f} % full",
                    f"{(each.size - each.used) / GIB:.1f} of {each.size / GIB:.1f} GiB are left",
                    hint=f"grow its LUN, then on each server: ovstools repositories grow {place}",
                )
            )
    return found


CHECKS: tuple[Check, ...] = (space,)
