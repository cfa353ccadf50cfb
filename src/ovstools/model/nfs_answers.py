"""What mount.nfs(8) says when it cannot mount an export, and what that means.

Texts: nfs-utils 2.6.2, utils/mount/error.c and stropts.c; those seen are in tests/data/mount.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Meaning:
    """Why it failed, in our words, and the way out."""

    reason: str
    hint: str


_EXPORTS = "look at the exports of the file server: showmount -e SERVER, exportfs -v there"
_MEANINGS = (
    ("reason given by server: No such file", Meaning("the server has no such export", _EXPORTS)),
    (
        "access denied by server",
        Meaning("the server does not let this server in, or has no such export", _EXPORTS),
    ),
    (
        "Failed to resolve server",
        Meaning("the file server's name is not known here", "add it to /etc/hosts or DNS"),
    ),
    (
        "Connection refused",
        Meaning("nobody serves NFS there", "start the NFS service of the file server"),
    ),
    (
        "No route to host",
        Meaning("the file server cannot be reached", "look at network and firewall"),
    ),
    (
        "Connection timed out",
        Meaning("the file server does not answer", "look at network, firewall and file server"),
    ),
    (
        "requested NFS version or transport protocol is not supported",
        Meaning(
            "the server does not serve the NFS version that is asked for",
            "give another one (vers=3, vers=4.1) in /etc/ovs/repositories.options",
        ),
    ),
    (
        "Protocol not supported",
        Meaning(
            "the server does not serve the NFS version that is asked for",
            "give another one (vers=3, vers=4.1) in /etc/ovs/repositories.options",
        ),
    ),
    (
        "rpc.statd is not running",
        Meaning("NFS version 3 needs rpc.statd", "systemctl start rpc-statd.service"),
    ),
    (
        "an incorrect mount option was specified",
        Meaning("mount.nfs does not know an option", "see nfs(5)"),
    ),
    (
        "you might need a /sbin/mount",
        Meaning(
            "mount.nfs is not installed",
            "apt-get install nfs-common (Oracle Linux: dnf install nfs-utils)",
        ),
    ),
)


def meaning(said: str) -> Meaning | None:
    """Return what a message means; None for one that is not known."""
    return next((found for text, found in _MEANINGS if text in said), None)
