"""systemd-run(1) and systemctl(1): guests that are plain processes, each a transient unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..model.command import Command
from ..model.guest_unit import PATTERN, PROPERTIES

#: stopped before what they stand on, and after the agent had its chance to move them; the slice
#: is that of libvirt's guests
AFTER = ("ovs-locks.service", "ovsrepositories.service")
BEFORE = ("ovs-agent.service",)
SLICE = "machine.slice"


def show() -> Command:
    """Build the command that shows the units of all guests, a paragraph each."""
    return Command(
        ("systemctl", "show", f"--property={','.join(PROPERTIES)}", PATTERN), changes=False
    )


def run(
    unit: str,
    description: str,
    argv: Sequence[str],
    env: Mapping[str, str],
    folder: str,
    stop_s: float,
) -> Command:
    """Build the command that starts a program in a unit that outlives it.

    Done when the program was executed (Type=exec). systemd expands $NAME in its words, so a $ is
    doubled. See model/guest_unit.py for the exec properties.
    """
    properties = (
        "Type=exec",
        "RemainAfterExit=yes",
        "ExecStop=/bin/true",
        "ExecStopPost=/bin/false",
        f"TimeoutStopSec={stop_s:g}s",
        f"After={' '.join(AFTER)}",
        f"Before={' '.join(BEFORE)}",
    )
    return Command(
        (
            "systemd-run", "--quiet", "--no-ask-password",
            f"--unit={unit}", f"--description={description}", f"--slice={SLICE}",
            *(f"--property={each}" for each in properties),
            *(f"--setenv={name}={value}" for name, value in env.items()),
            *((f"--working-directory={folder}",) if folder else ()),
            "--", *(word.replace("$", "$$") for word in argv),
        ),
        timeout_s=60,
    )  # fmt: skip


def stop(unit: str) -> Command:
    """Build the command that has a unit stopped: SIGTERM to its processes; it does not wait."""
    return Command(("systemctl", "stop", "--no-block", unit))


def kill(unit: str) -> Command:
    """Build the command that sends SIGKILL to all processes of a unit."""
    return Command(("systemctl", "kill", "--kill-whom=all", "--signal=SIGKILL", unit))


def freeze(unit: str) -> Command:
    """Build the command that stops the processes of a unit from running; needs cgroups v2."""
    return Command(("systemctl", "freeze", unit))


def thaw(unit: str) -> Command:
    """Build the command that lets them run again."""
    return Command(("systemctl", "thaw", unit))


def clear(unit: str) -> Command:
    """Build the command that lets systemd forget a failed unit."""
    return Command(("systemctl", "reset-failed", unit))
