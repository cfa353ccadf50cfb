"""xl(1): Xen's own tool; words from its manual and source, never run against a Xen host."""

from __future__ import annotations

from ..model.command import Command

LOOK_S = 30.0
CHANGE_S = 180.0
#: what an ended domain is kept for: the reason of its end; `xl destroy` removes it
PRESERVED = ("on_poweroff", "on_crash", "on_watchdog")


def list_domains() -> Command:
    """Build the command that lists all domains."""
    return Command(("xl", "list"), timeout_s=LOOK_S, changes=False)


def create(path: str, name: str, uuid: str) -> Command:
    """Build the command that starts a domain from its vm.cfg; the words after it win over it.

    xl leaves a daemon behind for the domain's life; env -i, so that it does not bear the marks of
    the job that started it, whereas this shell does, until xl has ended.
    """
    words = (
        f"--defconfig={path}",
        f'name="{name}"',
        *((f'uuid="{uuid}"',) if uuid else ()),
        *(f'{event}="preserve"' for event in PRESERVED),
    )
    line = 'env -i PATH="$PATH" LC_ALL=C xl create "$@"; exit $?'
    return Command(("sh", "-c", line, "xl", *words), timeout_s=CHANGE_S)


def shutdown(name: str) -> Command:
    """Build the command that asks a guest to shut down, by ACPI where it has no PV drivers."""
    return _change("shutdown", "-F", name)


def destroy(name: str) -> Command:
    """Build the command that ends a domain, or removes one that ended."""
    return _change("destroy", name)


def pause(name: str) -> Command:
    """Build the command that pauses a domain."""
    return _change("pause", name)


def unpause(name: str) -> Command:
    """Build the command that lets a paused domain run."""
    return _change("unpause", name)


def migrate(name: str, host: str, ssh: str, timeout_s: float) -> Command:
    """Build the command that sends a domain through ssh, and leaves it paused there.

    ssh: a line for sh (ssh.program_line).
    """
    return Command(("xl", "migrate", "-p", "-s", ssh, name, host), timeout_s=timeout_s)


def _change(*words: str) -> Command:
    return Command(("xl", *words), timeout_s=CHANGE_S)
