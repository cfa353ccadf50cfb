"""ssh(1) to the pool's other servers, by keys of the pool's own: never asks, never guesses.

Whoever calls ssh takes its options from here: StrictHostKeyChecking and our known hosts alone,
so that nobody between two servers is ever believed. remote_ovstools() alone takes root's own
keys as well, for servers that are not in the pool yet.
"""

from __future__ import annotations

import os
import shlex

from ..model.command import Command
from ..settings import Paths
from .runner import SEARCH_PATH

KEY, KNOWN_HOSTS = "id_ed25519", "known_hosts"
#: sshd's own keys; the first is the one that ssh prefers
HOST_KEYS = tuple(f"/etc/ssh/ssh_host_{kind}_key.pub" for kind in ("ed25519", "ecdsa", "rsa"))
CONNECT_S = 5
#: seconds for a login after the connection; on loaded servers it took more than 10
LOGIN_S = 55
#: ssh's own failure (ssh(1), "EXIT STATUS"): no connection, an unknown host, a key not accepted
NO_CONNECTION = 255


def key_path(paths: Paths) -> str:
    """Return where this server's private key is; the public half has .pub behind it."""
    return f"{paths.ssh}/{KEY}"


def known_hosts_path(paths: Paths) -> str:
    """Return where the other servers' host keys are."""
    return f"{paths.ssh}/{KNOWN_HOSTS}"


def program(paths: Paths) -> tuple[str, ...]:
    """Return the words that begin every call."""
    return (
        "ssh", "-T",
        "-i", key_path(paths),
        "-o", "IdentitiesOnly=yes",
        "-o", "BatchMode=yes",
        "-o", "StrictHostKeyChecking=yes",
        "-o", f"UserKnownHostsFile={known_hosts_path(paths)}",
        "-o", "GlobalKnownHostsFile=/dev/null",
        "-o", f"ConnectTimeout={CONNECT_S}",
    )  # fmt: skip


def program_line(paths: Paths) -> str:
    """Return them as one word, for tools that give it to sh (`xl migrate -s`)."""
    return shlex.join(program(paths))


def remote(paths: Paths, server: str, words: tuple[str, ...], timeout_s: float = 30.0) -> Command:
    """Build the command that runs words on a server as root."""
    line = (*program(paths), f"root@{server}", "--", shlex.join(words))
    return Command(line, timeout_s=timeout_s)


def remote_ovstools(paths: Paths, server: str, words: tuple[str, ...], text: str | None = None,
                    timeout_s: float = 60.0, changes: bool = True) -> Command:  # fmt: skip
    """Build the command that runs ovstools on a server as root; text: its standard input.

    A newcomer has not published its keys yet: root's own keys, agent and known hosts count here
    as well, and nothing is believed unasked all the same. Every status is ok: read the answer.
    """
    root = tuple(f"/root/.ssh/{name}" for name in ("id_ed25519", "id_ecdsa", "id_rsa"))
    agent = os.environ.get("SSH_AUTH_SOCK", "")
    program_words = (
        "ssh", "-T",
        *(word for key in (key_path(paths), *root) for word in ("-o", f"IdentityFile={key}")),
        *(("-o", f"IdentityAgent={agent}") if agent.startswith("/") else ()),
        "-o", "BatchMode=yes",
        "-o", "StrictHostKeyChecking=yes",
        "-o", f"UserKnownHostsFile={known_hosts_path(paths)} /root/.ssh/known_hosts",
        "-o", f"ConnectTimeout={CONNECT_S}",
        "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3",
    )  # fmt: skip
    line = ("env", f"PATH={SEARCH_PATH}", "ovstools", *words)
    return Command(
        (*program_words, f"root@{server}", "--", shlex.join(line)),
        ok=frozenset(range(256)), timeout_s=timeout_s, changes=changes, input=text,
    )  # fmt: skip


def try_login(paths: Paths, server: str) -> Command:
    """Build the command that tells whether root can log in: its status, 0 or NO_CONNECTION."""
    line = (*program(paths), f"root@{server}", "--", "true")
    ok = frozenset({0, NO_CONNECTION})
    return Command(line, ok=ok, timeout_s=CONNECT_S + LOGIN_S, changes=False)


def make_key(path: str, comment: str) -> Command:
    """Build the command that makes a key pair without a passphrase.

    Through sh, for ssh-keygen wants an empty word, and a Command has none by accident.
    """
    line = 'exec ssh-keygen -q -t ed25519 -N "" -C "$1" -f "$2"'
    return Command(("sh", "-c", line, "ssh-keygen", comment, path), timeout_s=60)


def public_half(path: str) -> Command:
    """Build the command that prints the public half of a private key."""
    return Command(("ssh-keygen", "-y", "-f", path), changes=False)


def remove_folder(path: str) -> Command:
    """Build the command that removes the folder of the keys, which must be empty."""
    return Command(("rmdir", path))
