"""Kernel modules: whether this kernel has OCFS2 at all."""

from __future__ import annotations

from ..errors import RefusedError
from ..model.command import Command
from .host import Host

MODULES = ("ocfs2", "ocfs2_stack_o2cb")


def refuse_missing_modules(host: Host) -> None:
    """Raise RefusedError when the running kernel has no OCFS2.

    Cloud kernels and RHEL's are built without; and the ocfs2 tools, where /sbin/modprobe is
    missing, go on in two to four processes at once (libo2cb/o2cb_abi.c), mkfs too.
    """
    if host.kind("/sys/fs/o2cb") == "directory" and host.kind("/sys/fs/ocfs2") == "directory":
        return
    command = Command(
        ("modprobe", "--dry-run", "--all", *MODULES), ok=frozenset({0, 1}), changes=False
    )
    result = host.run(command)
    if result.status != 0:
        raise RefusedError(
            "this kernel has no OCFS2",
            *result.stderr.splitlines()[:2],
            hint="boot a kernel that has: linux-image-amd64 (not -cloud) on Debian, "
            "linux-modules-extra on Ubuntu, kernel-uek on Oracle Linux",
        )
