"""The names of all commands, and which module each is in: so that --help imports none of them."""

from __future__ import annotations

import importlib
from typing import IO, Any

import click

#: command -> (module, attribute, one line for --help); a test holds the lines against the help
COMMANDS = {
    "cleanup": ("cleanup", "cleanup", "Take this server out of its pool; all data stays."),
    "cluster-check": ("cluster_check", "cluster_check", "Check this server's part of the pool."),
    "cluster-configure": (
        "cluster_configure",
        "cluster_configure",
        "Write cluster.conf if there is none; set up and start o2cb.",
    ),
    "ha-try": ("ha_try", "ha_try", "Try guest HA with a pool of servers on this machine."),
    "guest-hook": (
        "guest_hook",
        "guest_hook",
        "Tell whether libvirt may start a guest here (its hook).",
    ),
    "hb-ctl": ("hb_ctl", "hb_ctl", "Start, stop or show the heartbeat on a device."),
    "install-hook": (
        "install",
        "install_hook",
        "Have libvirt ask before it starts a guest of the pool.",
    ),
    "install-links": ("install", "install_links", "Make the historic paths below /usr/lib/ovs."),
    "install-units": ("install", "install_units", "Install and enable the systemd units."),
    "iscsi": ("iscsi", "iscsi", "Discover, log in to, log out of and list iSCSI targets."),
    "keeper": (
        "keeper",
        "keeper",
        "Hold the locks of this server and its guests (ovs-locks.service).",
    ),
    "receive-config": (
        "receive_config",
        "receive_config",
        "Take the pool's configuration from another server (--propagate, --all).",
    ),
    "makerepo": ("makerepo", "makerepo", "Register and mount a repository."),
    "offlinerepo": ("offlinerepo", "offlinerepo", "Unmount a repository; its data stays."),
    "pool": ("pool", "pool", "Show and change the pool: HA switch, master, maintenance, policies."),
    "repositories": (
        "repositories",
        "repositories",
        "Mount, unmount and list the registered repositories.",
    ),
    "simulate": ("simulate", "simulate", "Run scenarios of guest HA on simulated servers."),
    "ssh-setup": (
        "ssh_setup",
        "ssh_setup",
        "Let the pool's servers log in on each other, for migrations.",
    ),
    "services": ("services", "services", "Start and stop the pool's services in order."),
    "status": ("status", "status", "Show servers, guests, and what is to be looked at."),
    "vm": ("vm", "vm", "Show and change the guests under HA."),
    "what-if": (
        "status",
        "what_if",
        "Say where guests would go if servers failed; 3: some would have no place.",
    ),
    "why": ("status", "why", "Say why a server is in the condition it is in."),
}
#: run by units, not by people; --help does not list them
HIDDEN = {"keeper", "guest-hook", "receive-config"}


def load_command(name: str) -> click.Command:
    """Import the module of a command and return the command."""
    module, attribute, _ = COMMANDS[name]
    found = getattr(importlib.import_module(f".{module}", __package__), attribute)
    assert isinstance(found, click.Command)
    return found


class HelpAsked(click.ClickException):
    """No command was given: the help says which there are, and it is exit status 2."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the help to stderr."""
        click.echo(self.message, file=file, err=file is None)


class CommandGroup(click.Group):
    """Commands under one name; without one, click before 8.2 would exit with 0."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words in front of the command's name."""
        if not args:
            raise HelpAsked(ctx.get_help())
        return super().parse_args(ctx, args)


class Commands(CommandGroup):
    """The group `ovstools`, whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        return load_command(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table above."""
        shown = sorted(item for item in COMMANDS.items() if item[0] not in HIDDEN)
        with formatter.section("Commands"):
            formatter.write_dl([(name, row[2]) for name, row in shown])
