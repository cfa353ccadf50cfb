"""install-hook: libvirt asks before it starts a guest, whoever typed `virsh start`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import RefusedError
from ..model import hook_script
from ..system.host import Host
from ..system.links import link_target
from .plan import Edit, MakeDirectory, Plan, Report, Step, edit_step, folder_of

RESTART = (
    "libvirt sees new hooks when it starts: systemctl restart libvirtd "
    "(or virtqemud, virtlxcd, virtxend); guests run on"
)


@dataclass(frozen=True)
class Request:
    """The words of the command line; program is the path that the hook calls."""

    program: str
    remove: bool = False


def plan(host: Host, request: Request) -> Plan:
    """Plan the hook's script for each of libvirt's drivers.

    Raises RefusedError where libvirt is not installed, and when a script of that name is
    somebody else's.
    """
    paths = hook_script.paths(host.settings.paths.libvirt_hooks)
    return _removal(host, paths) if request.remove else _installation(host, request, paths)


def _installation(host: Host, request: Request, paths: dict[str, str]) -> Plan:
    libvirt = folder_of(host.settings.paths.libvirt_hooks)
    if host.kind(libvirt) != "directory":
        raise RefusedError(
            f"libvirt is not installed: there is no {libvirt}",
            hint="apt-get install libvirt-daemon-system (Oracle Linux: dnf install libvirt)",
        )
    steps: list[Step] = []
    for driver, path in paths.items():
        _refuse_foreign(host, path)
        if host.kind(folder_of(path)) != "directory":
            steps.append(Step(f"make {folder_of(path)}", MakeDirectory(folder_of(path))))
        text = hook_script.format_script(driver, request.program)
        steps += edit_step(f"write {path}", path, host.read(path), text, 0o755)
    notices = [*_not_executable(host, paths)]
    if any(isinstance(step.change, Edit) and step.change.before is None for step in steps):
        notices.append(RESTART)
    if host.kind(request.program) == "missing":
        notices.append(f"there is no {host.path(request.program)} yet: install ovstools there")
    already = "" if steps else "already "
    line = f"the hook is {already}installed: {', '.join(paths.values())}"
    data = {"files": list(paths.values()), "changed": bool(steps)}
    return Plan(tuple(steps), Report((line,), data), tuple(notices))


def _removal(host: Host, paths: dict[str, str]) -> Plan:
    steps, notices = [], []
    for path in paths.values():
        text = host.read(path)
        if text is None:
            continue
        if _is_ours(host, path, text):
            steps.append(Step(f"remove {path}", Edit(path, text, None)))
        else:
            notices.append(f"{path} is not ours: left alone")
    if steps:
        notices.append("from now on nothing keeps a guest of the pool from being started by hand")
    already = "" if steps else "already "
    report = Report((f"the hook is {already}removed",), {"changed": bool(steps)})
    return Plan(tuple(steps), report, tuple(notices))


def _is_ours(host: Host, path: str, text: str) -> bool:
    return link_target(host, path) is None and hook_script.is_ours(text)


def _refuse_foreign(host: Host, path: str) -> None:
    text = host.read(path) if host.kind(path) in ("file", "missing") else ""
    if link_target(host, path) is None and text is None:
        return
    if not _is_ours(host, path, text or ""):
        raise RefusedError(
            f"{path} is there, and ovstools did not write it: it is not overwritten",
            hint="give it another name: libvirt runs all scripts in the folder, in their order",
        )


def _not_executable(host: Host, paths: dict[str, str]) -> Iterator[str]:
    for path in paths.values():
        if host.kind(path) == "file" and not os.access(host.path(path), os.X_OK):
            yield f"{path} is not executable: libvirt passes over it; chmod 755 {path}"
