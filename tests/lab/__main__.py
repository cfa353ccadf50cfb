"""The lab from a shell: `python3 -m tests.lab COMMAND`."""

# ruff: noqa: T201 - answers go to stdout

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from types import FrameType

from .errors import LabError
from .lab import Lab
from .progress import Progress

INTERRUPTED = 130


def main() -> int:
    """Parse the words and do one command."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    arguments = _parser().parse_args()
    try:
        return int(COMMANDS[arguments.command](arguments))
    except (LabError, AssertionError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.lab",
        description="A lab of Debian servers with a shared SAN, in QEMU.",
        epilog="Environment: OVSLAB_NAME (instance), OVSLAB_CACHE (folder), OVSLAB_ACCEL (tcg|kvm)",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in {
        "up": "start the servers, or install the changed ovstools in those that run",
        "restore": "bring all servers back to the known state",
        "build": "make what the cache lacks, and leave nothing running",
    }.items():
        sub = commands.add_parser(name, help=text)
        sub.add_argument("--servers", type=int, default=None, metavar="N", help="1 to 8, usually 3")
    commands.add_parser("push", help="install the checkout's ovstools in the running servers")
    commands.add_parser("status", help="show what runs")
    commands.add_parser("down", help="remove the instance; the cache stays")
    login = commands.add_parser("ssh", help="log in, or run a command line")
    login.add_argument("server")
    login.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    return parser


def _up(arguments: argparse.Namespace) -> int:
    running = _attach()
    if running and running.is_up() and arguments.servers in (None, running.settings.count):
        running.push()
        _explain(running)
        return 0
    return _restore(arguments)


def _restore(arguments: argparse.Namespace) -> int:
    running = _attach()
    count = arguments.servers or (running.settings.count if running else 3)
    lab = Lab.open(servers=count, progress=Progress())
    try:
        lab.restore()
    except BaseException:
        lab.down()
        raise
    finally:
        lab.close()
    _explain(lab)
    return 0


def _build(arguments: argparse.Namespace) -> int:
    lab = Lab.open(servers=arguments.servers or 3, progress=Progress())
    try:
        lab.restore()
    finally:
        lab.down()
        lab.close()
    return 0


def _push(arguments: argparse.Namespace) -> int:
    Lab.attach(progress=Progress()).push()
    return 0


def _down(arguments: argparse.Namespace) -> int:
    lab = Lab.open(progress=Progress())
    try:
        lab.down()
    finally:
        lab.close()
    return 0


def _status(arguments: argparse.Namespace) -> int:
    lab = Lab.attach()
    for server in lab.servers:
        pid = server.machine.pid()
        print(f"{server.name}  {server.address}  {'on, QEMU is ' + str(pid) if pid else 'off'}")
    return 0 if lab.is_up() else 1


def _ssh(arguments: argparse.Namespace) -> int:
    server = Lab.attach().server(arguments.server)
    server.connect()
    words = server.ssh.argv(*([] if arguments.words else ["-t"]))
    os.execvp(words[0], [*words, *([" ".join(arguments.words)] if arguments.words else [])])


def _attach() -> Lab | None:
    try:
        return Lab.attach(progress=Progress())
    except LabError:
        return None


def _explain(lab: Lab) -> None:
    print("The servers are up. Log in with, for example,")
    print(f"  python3 -m tests.lab ssh {lab.servers[0].short_name}")
    print("which is, for each of them:")
    for server in lab.servers:
        print(f"  {shlex.join(server.ssh.argv('-t'))}")


COMMANDS = {
    "up": _up,
    "restore": _restore,
    "build": _build,
    "push": _push,
    "down": _down,
    "status": _status,
    "ssh": _ssh,
}

if __name__ == "__main__":
    sys.exit(main())
