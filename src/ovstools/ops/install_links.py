"""install-links: the historic paths, /usr/lib/ovs/ovs-makerepo and its like."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RefusedError
from ..system.host import Host
from ..system.links import link_target
from .links import RemoveLink, ReplaceLink
from .plan import MakeLink, Plan, Report, Step, folder_of

#: never ocfs2_hb_ctl: the kernel calls that name at umount
NAMES = (
    "ovs-makerepo",
    "ovs-offlinerepo",
    "ovs-cluster-configure",
    "ovs-cluster-check",
    "ovs-hb-ctl",
)


@dataclass(frozen=True)
class Request:
    """The words of the command line; program is the path of the ovstools that runs."""

    program: str
    folder: str
    remove: bool = False


def plan(host: Host, request: Request) -> Plan:
    """Plan the links.

    Raises RefusedError when a path is taken by something that ovstools did not make, or the
    folder is the one that the commands are in.
    """
    commands = folder_of(request.program)
    if host.resolve(request.folder) == host.resolve(commands):
        raise RefusedError(
            f"{request.folder} is where the commands themselves are",
            hint="name another folder: --dir DIR",
        )
    steps = []
    for name in NAMES:
        path, target = f"{request.folder}/{name}", f"{commands}/{name}"
        steps += _removal(host, path) if request.remove else _step(host, path, target)
    notices = [
        f"there is no {host.path(f'{commands}/{name}')} yet"
        for name in NAMES
        if not request.remove and host.kind(f"{commands}/{name}") == "missing"
    ]
    done = "removed from" if request.remove else "in"
    already = "" if steps else "already "
    line = f"the links are {already}{done} {request.folder}: {', '.join(NAMES)}"
    data = {"folder": request.folder, "commands": commands, "changed": bool(steps)}
    return Plan(tuple(steps), Report((line,), data), tuple(notices))


def _step(host: Host, path: str, target: str) -> list[Step]:
    found = link_target(host, path)
    if found is None:
        if host.kind(path) != "missing":
            raise RefusedError(
                f"{path} is there, and is no link: it is not overwritten",
                hint="move it away, or name another folder: --dir DIR",
            )
        return [Step(f"link {path}", MakeLink(path, target))]
    if found == target:
        return []
    _refuse_foreign(path, found)
    return [Step(f"link {path}", ReplaceLink(path, found, target))]


def _removal(host: Host, path: str) -> list[Step]:
    found = link_target(host, path)
    if found is None:
        return []  # not there, or not ours
    _refuse_foreign(path, found)
    return [Step(f"remove {path}", RemoveLink(path, found))]


def _refuse_foreign(path: str, target: str) -> None:
    """Refuse a link that leads to something else than a command of that name."""
    name = path.rpartition("/")[2]
    if target.rpartition("/")[2] != name:
        raise RefusedError(
            f"{path} is a link to {target}, which ovstools did not make",
            hint="move it away, or name another folder: --dir DIR",
        )
