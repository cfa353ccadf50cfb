"""The script that libvirt calls before it starts a guest (libvirt.org/hooks.html)."""

from __future__ import annotations

import shlex

#: libvirt's names of its drivers, each with a folder of hooks (libvirt 6.5 and later)
DRIVERS = ("qemu", "lxc", "libxl")
NAME = "50-ovstools"
#: tells our script from others
MARK = "# Written by `ovstools install-hook`"
#: what the hook program has something to do for; for all else nothing is started
OPERATIONS = ("prepare", "migrate")
_TEXT = """\
#!/bin/sh
{mark}, which also updates it, and removes it (--remove).
# A guest of the pool starts only where its lock is held: ovstools-install(8). 1 refuses.
case $2 in {operations}) ;; *) exit 0 ;; esac
# By way of /bin/sh, which leaves libvirtd's AppArmor profile: that runs programs of /usr/bin only.
exec /bin/sh -c 'exec "$0" guest-hook -- {driver} "$@"' {program} "$1" "$2" </dev/null >/dev/null
"""


def paths(folder: str) -> dict[str, str]:
    """Return the script's path for each driver; folder: /etc/libvirt/hooks."""
    return {driver: f"{folder}/{driver}.d/{NAME}" for driver in DRIVERS}


def format_script(driver: str, program: str) -> str:
    """Return the script of a driver; program: the absolute path of ovstools."""
    return _TEXT.format(
        mark=MARK,
        operations=" | ".join(OPERATIONS),
        driver=driver,
        program=shlex.quote(program),
    )


def is_ours(text: str) -> bool:
    """Tell whether a file is our script, of whatever version."""
    return any(line.startswith(MARK) for line in text.splitlines()[:3])
