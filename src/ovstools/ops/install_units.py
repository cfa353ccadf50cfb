"""install-units: the pool's services, and the order of the repositories' mounts and of guests.

Nothing that runs is stopped or restarted: an upgrade replaces files. What holds locks of guests
least of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import RefusedError
from ..system import pool_fs, systemd, unit_files
from ..system.host import Host
from ..system.links import link_target
from ..system.pool_units import AGENT, KEEPER, REPOSITORIES
from . import guests_here
from .links import RemoveLink
from .plan import Edit, MakeLink, Plan, Report, Run, Step, edit_step
from .unmounting import LEAVE_HINT

#: in the order in which they start
UNITS = (REPOSITORIES, KEEPER, AGENT)


@dataclass(frozen=True)
class Request:
    """The words of the command line; program is the path that the units call."""

    program: str
    enable: bool = True
    remove: bool = False


def plan(host: Host, request: Request) -> Plan:
    """Plan what brings the unit files to this version's text, and starts them at boot.

    Raises RefusedError when one of them is masked, and for a removal while guests run.
    """
    return _removal(host) if request.remove else _installation(host, request)


def _installation(host: Host, request: Request) -> Plan:
    texts = _texts(host, request.program)
    for unit in UNITS:
        if link_target(host, _path(host, unit)) == "/dev/null":
            raise _masked(unit)
    steps = [
        step
        for path, text in texts.items()
        for step in edit_step(f"write {path}", path, host.read(path), text)
    ]
    steps += _reload_steps(host, bool(steps))
    if request.enable:
        steps += _enable_steps(host)
    state = "installed" if steps else "already installed"
    enabled = "started at boot" if request.enable else "not enabled"
    lines = (f"{', '.join(UNITS)} are {state}, {enabled}: {request.program}",)
    notices = []
    if host.kind(request.program) == "missing":
        notices.append(f"there is no {host.path(request.program)} yet: install ovstools there")
    data = {
        "units": list(UNITS),
        "files": list(texts),
        "changed": bool(steps),
        "enabled": request.enable,
    }
    return Plan(tuple(steps), Report(lines, data), tuple(notices))


def _removal(host: Host) -> Plan:
    guests = guests_here.look(host)
    if guests:
        raise RefusedError(
            "guests of the pool run here, and their locks need the services",
            *guests_here.sentences(guests),
            hint=LEAVE_HINT,
        )
    paths = [path for path in _texts(host, "-") if _is_file(host, path)]
    steps = _disable_steps(host, paths)
    steps += [Step(f"remove {path}", Edit(path, host.read(path), None)) for path in paths]
    steps += _reload_steps(host, bool(paths))
    line = f"{', '.join(UNITS)} are {'' if steps else 'already '}removed"
    data = {"units": list(UNITS), "files": paths, "changed": bool(steps)}
    notices = []
    if steps and not host.offline:
        notices.append("what is mounted stays mounted")
        if systemd.look(host, KEEPER).is_active:
            notices.append(f"{KEEPER} runs on; end it with: systemctl stop {KEEPER}")
    return Plan(tuple(steps), Report((line,), data), tuple(notices))


def _texts(host: Host, program: str) -> dict[str, str]:
    folder = host.settings.paths.units
    drop_ins = unit_files.drop_ins(host.settings.paths.cluster_root, pool_fs.own_mountpoint(host))
    return {
        **{_path(host, unit): unit_files.unit_text(unit, program) for unit in UNITS},
        **{f"{folder}/{name}": text for name, text in drop_ins.items()},
    }


def _path(host: Host, unit: str) -> str:
    return f"{host.settings.paths.units}/{unit}"


def _is_file(host: Host, path: str) -> bool:
    """Tell whether there is something to remove: the link of a masked unit is not ours."""
    return link_target(host, path) != "/dev/null" and host.read(path) is not None


def _wants_link(host: Host, unit: str) -> str:
    return f"{host.settings.paths.units}/{unit_files.WANTS}/{unit}"


def _reload_steps(host: Host, changed: bool) -> list[Step]:
    # A run that was killed before its daemon-reload left a unit that systemd calls outdated.
    if host.offline or not (changed or any(systemd.needs_reload(host, unit) for unit in UNITS)):
        return []
    return [Step("make systemd read its units again", Run(systemd.reload_units()))]


def _enable_steps(host: Host) -> list[Step]:
    if host.offline:
        links = {unit: _wants_link(host, unit) for unit in UNITS}
        return [
            Step(f"start {unit} at boot", MakeLink(link, f"../{unit}"))
            for unit, link in links.items()
            if link_target(host, link) is None
        ]
    found = [systemd.look(host, unit) for unit in UNITS]
    for each in found:
        if each.enabled.startswith("masked"):
            raise _masked(each.name)
    steps = []
    disabled = [each.name for each in found if each.enabled != "enabled"]
    if disabled:
        steps.append(Step(f"start {_words(disabled)} at boot", Run(systemd.enable(*disabled))))
    down = [each.name for each in found if not each.is_active]
    if down:
        # Only an active unit is stopped, and so unmounts in its order, at a shutdown.
        steps.append(Step(f"start {_words(down)}", Run(systemd.start_later(*down))))
    return steps


def _disable_steps(host: Host, paths: list[str]) -> list[Step]:
    if host.offline:
        links = [_wants_link(host, unit) for unit in UNITS]
        return [
            Step(f"remove {link}", RemoveLink(link, target))
            for link in links
            if (target := link_target(host, link)) is not None
        ]
    there = [unit for unit in UNITS if _path(host, unit) in paths]
    enabled = [unit for unit in there if systemd.look(host, unit).enabled != "disabled"]
    steps = []
    if enabled:
        steps.append(Step(f"no longer start {_words(enabled)} at boot",
                          Run(systemd.disable(*enabled))))  # fmt: skip
    if AGENT in there and systemd.look(host, AGENT).is_active:
        # Without its unit nobody would watch it. It stops nothing, and no guest runs.
        stop = systemd.stop(AGENT, host.settings.limits.service_s)
        steps.append(Step(f"stop {AGENT}", Run(stop)))
    return steps


def _words(units: Sequence[str]) -> str:
    return ", ".join(unit.rpartition(".")[0] for unit in units)


def _masked(unit: str) -> RefusedError:
    return RefusedError(
        f"{unit} is masked: somebody wanted it never to start",
        hint=f"systemctl unmask {unit}",
    )
