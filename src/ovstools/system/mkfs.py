"""mkfs.ocfs2(8) and mkfs.ext4(8)."""

from __future__ import annotations

from ..model.command import Command


def ocfs2(
    device: str,
    *,
    uuid: str,
    label: str,
    cluster_name: str,
    usage: str | None,
    block_size: str,
    cluster_size: str | None,
    journal_size: str | None,
    slots: int,
    timeout_s: float,
) -> Command:
    """Build mkfs.ocfs2 for the o2cb stack.

    -x answers the question that mkfs.ocfs2 asks, even with --force, when it finds an OCFS2
    (not in the manual, seen in mkfs.c and run). Never -F: it skips mkfs's own check whether
    the cluster has the volume mounted.
    """
    words = ["mkfs.ocfs2", "-x", "--cluster-stack=o2cb", f"--cluster-name={cluster_name}"]
    words += ["-U", uuid, "-L", label, "-b", block_size]
    if usage is not None:
        words += ["-T", usage]
    if cluster_size is not None:
        words += ["-C", cluster_size]
    if journal_size is not None:
        words += ["-J", f"size={journal_size}"]
    return Command((*words, "-N", str(slots), device), timeout_s=timeout_s)


def dry_run(command: Command) -> Command:
    """Build the question whether mkfs.ocfs2 would take these sizes; it writes nothing."""
    program, *words = command.argv
    return Command((program, "-n", *words), ok=frozenset({0, 1}), changes=False, timeout_s=60)


def ext4(device: str, uuid: str, label: str, timeout_s: float) -> Command:
    """Build mkfs.ext4; -F only stops its question, what is on the device was looked at.

    With multiple-mount protection (ext4(5)): a local repository on a LUN that another server
    sees too is refused by the kernel there while it is mounted here.
    """
    dashed = "-".join((uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:])).lower()
    return Command(
        ("mkfs.ext4", "-q", "-F", "-O", "mmp", "-U", dashed, "-L", label, device),
        timeout_s=timeout_s,
    )
