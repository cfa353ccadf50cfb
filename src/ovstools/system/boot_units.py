"""Units as their files say: whether systemd has a unit, and starts it at boot.

`systemctl is-enabled` looks at the same links (systemctl(1)); reading them starts no program,
and works below another root.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .host import Host
from .links import link_target

#: in systemd's order: the first that has the unit counts (systemd.unit(5))
FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
INIT_SCRIPTS = "/etc/init.d"
_START_LINK = re.compile(r"S\d\d(?P<name>.+)", re.ASCII)


@dataclass(frozen=True)
class BootUnit:
    """A unit as its files say; is_enabled: something that is started at boot wants it."""

    name: str
    exists: bool = False
    is_enabled: bool = False
    is_masked: bool = False


def read_boot_unit(host: Host, name: str) -> BootUnit:
    """Return what the files say of a unit, for example o2cb.service.

    An init script without a unit counts as one: systemd-sysv-generator(8) makes it, and
    Debian's o2cb and ocfs2 are such.
    """
    for folder in FOLDERS:
        path = f"{folder}/{name}"
        if link_target(host, path) == "/dev/null":
            return BootUnit(name, exists=True, is_masked=True)
        if host.kind(path) == "file":
            return BootUnit(name, exists=True, is_enabled=_is_wanted(host, name))
    script = name.rpartition(".")[0]
    if host.kind(f"{INIT_SCRIPTS}/{script}") == "file":
        return BootUnit(name, exists=True, is_enabled=_has_start_link(host, script))
    return BootUnit(name)


def _is_wanted(host: Host, name: str) -> bool:
    return any(
        name in host.names(f"{folder}/{wants}")
        for folder in FOLDERS
        for wants in host.names(folder)
        if wants.endswith((".wants", ".requires"))
    )


def _has_start_link(host: Host, script: str) -> bool:
    return any(
        found is not None and found["name"] == script
        for level in "S2345"
        for found in map(_START_LINK.fullmatch, host.names(f"/etc/rc{level}.d"))
    )
