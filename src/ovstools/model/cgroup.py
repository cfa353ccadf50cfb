"""/proc/PID/cgroup (cgroups(7)): which of systemd's units a process belongs to."""

from __future__ import annotations

_KINDS = (".service", ".scope")


def unit_of(text: str) -> str:
    """Return the innermost service or scope; empty for a process of none.

    A line reads `0::/system.slice/ssh.service`, with cgroup v1 `1:name=systemd:/...`.
    """
    for line in text.splitlines():
        hierarchy, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if hierarchy == "0" or controllers == "name=systemd":
            units = [word for word in path.split("/") if word.endswith(_KINDS)]
            if units:
                return units[-1]
    return ""
