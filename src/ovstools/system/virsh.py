"""virsh(1): what libvirt is asked and told, for one connection URI.

All words that name a domain come after the options; names were validated where they were read
(model/lock_names.py: they begin with no dash).
"""

from __future__ import annotations

from urllib.parse import quote

from ..model.command import Command

#: libvirtd has answered, or something is wrong with it
LOOK_S = 30.0
#: of what makes libvirtd open images and start or stop processes
CHANGE_S = 180.0


def list_names(uri: str) -> Command:
    """Build the command that names all domains, active or not, a line each."""
    return _look(uri, "list", "--all", "--name")


def domstats(uri: str) -> Command:
    """Build the command that shows the state and reason of all domains in one call."""
    return _look(uri, "domstats", "--state", "--raw")


def domstates(uri: str, names: tuple[str, ...]) -> Command:
    """Build the command that shows each domain's state, reason and id after a line `= NAME`.

    One process for all: virsh takes several commands in one word, and goes on after a failed one.
    Without --quiet: with it, echo ends no line.
    """
    quoted = [_quoted(name) for name in names]
    return _look(uri, "; ".join(f"echo = {n}; domstate --reason {n}; domid {n}" for n in quoted))


def domid(uri: str, name: str) -> Command:
    """Build the command that shows the number of a running domain, - for others."""
    return _look(uri, "domid", name)


def dominfo(uri: str, name: str) -> Command:
    """Build the command that shows a domain's details."""
    return _look(uri, "dominfo", name)


def dumpxml(uri: str, name: str) -> Command:
    """Build the command that shows the persistent definition of a domain."""
    return _look(uri, "dumpxml", "--inactive", name)


def define(uri: str, path: str) -> Command:
    """Build the command that defines a domain from its XML, or redefines it."""
    return _change(uri, "define", path)


def no_autostart(uri: str, name: str) -> Command:
    """Build the command that keeps libvirtd from starting a domain at boot."""
    return _change(uri, "autostart", "--disable", name)


def start(uri: str, name: str) -> Command:
    """Build the command that starts a defined domain."""
    return _change(uri, "start", name)


def shutdown(uri: str, name: str) -> Command:
    """Build the command that asks a guest to shut down; it does not wait."""
    return _change(uri, "shutdown", name)


def shutdown_container(uri: str, name: str) -> Command:
    """Build the command that asks a container to shut down, in both ways that there are.

    Left to itself, libvirt 9.0 takes a container without /run/initctl for one that was asked by
    it. Containers with an init of that kind make nothing of SIGTERM, and others end by it.
    """
    words = (f"shutdown --mode {mode} {_quoted(name)}" for mode in ("initctl", "signal"))
    return _change(uri, "; ".join(words))


def destroy(uri: str, name: str, graceful: bool) -> Command:
    """Build the command that ends a guest; graceful: not by SIGKILL, so caches are written."""
    return _change(uri, "destroy", *(("--graceful",) if graceful else ()), name)


def suspend(uri: str, name: str) -> Command:
    """Build the command that pauses a guest."""
    return _change(uri, "suspend", name)


def resume(uri: str, name: str) -> Command:
    """Build the command that lets a paused guest run."""
    return _change(uri, "resume", name)


def undefine(uri: str, name: str, keep: tuple[str, ...] = ()) -> Command:
    """Build the command that removes a definition; keep: files of the guest to leave."""
    return _change(uri, "undefine", *keep, name)


def abort_job(uri: str, name: str) -> Command:
    """Build the command that aborts a domain's migration."""
    return _change(uri, "domjobabort", name)


def at(uri: str, host: str, keyfile: str = "") -> str:
    """Return the URI of another server's hypervisor of the same kind, reached over ssh.

    libvirtd itself calls ssh, as root. keyfile: the private key; empty: ssh's own choice. Which
    host keys are known only ssh's own files can say; no_tty: it never asks.
    """
    driver, _, path = uri.partition("://")
    key = f"keyfile={quote(keyfile)}&" if keyfile else ""
    return f"{driver}+ssh://root@{host}{path}?{key}no_tty=1"


def migrate(uri: str, name: str, destination: str, timeout_s: float) -> Command:
    """Build the command that sends a running domain, and leaves it paused at the other end.

    --p2p --tunnelled: the memory goes through libvirtd's own connection, which is ssh's.
    --persistent: it is defined there, so that the reason of its end survives; without
    --undefinesource it stays defined here, as `shut off (migrated)`.
    """
    return Command(
        (
            "virsh", "--connect", uri, "migrate",
            "--live", "--p2p", "--tunnelled", "--persistent", "--suspend",
            name, destination,
        ),
        timeout_s=timeout_s,
    )  # fmt: skip


def ping(uri: str, name: str) -> Command:
    """Build the command that asks the guest agent inside a guest whether it is there."""
    return Command(
        ("virsh", "-q", "-c", uri, "qemu-agent-command", "--timeout", "3", name,
         '{"execute":"guest-ping"}'),
        timeout_s=10, changes=False,
    )  # fmt: skip


def listen(uri: str) -> Command:
    """Build the command that prints a line at each change of a domain's state, for ever."""
    return Command(
        ("virsh", "--connect", uri, "event", "--event", "lifecycle", "--loop", "--timestamp"),
        timeout_s=float("inf"),
        changes=False,
    )


def _quoted(word: str) -> str:
    """Quote a word for virsh's own command language, which knows single quotes as sh does."""
    return "'" + word.replace("'", "'\\''") + "'"


def _look(uri: str, *words: str) -> Command:
    return Command(("virsh", "--connect", uri, *words), timeout_s=LOOK_S, changes=False)


def _change(uri: str, *words: str) -> Command:
    return Command(("virsh", "--connect", uri, *words), timeout_s=CHANGE_S)
