"""install-units: ovsrepositories.service, and the order of the repositories' mounts."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RefusedError
from ..system import systemd, unit_files
from ..system.host import Host
from ..system.links import link_target
from .links import RemoveLink
from .plan import Edit, MakeLink, Plan, Report, Run, Step, edit_step

UNIT = unit_files.REPOSITORIES_UNIT


@dataclass(frozen=True)
class Request:
    """The words of the command line; program is the path that the unit calls."""

    program: str
    enable: bool = True
    remove: bool = False


def plan(host: Host, request: Request) -> Plan:
    """Plan what brings the unit files to this version's text, and starts them at boot."""
    return _removal(host) if request.remove else _installation(host, request)


def _installation(host: Host, request: Request) -> Plan:
    texts = _texts(host, request.program)
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
    lines = (f"{UNIT} is {state}, {enabled}: {request.program} repositories start",)
    notices = []
    if host.kind(request.program) == "missing":
        notices.append(f"there is no {host.path(request.program)} yet: install ovstools there")
    data = {"unit": UNIT, "files": list(texts), "changed": bool(steps), "enabled": request.enable}
    return Plan(tuple(steps), Report(lines, data), tuple(notices))


def _removal(host: Host) -> Plan:
    paths = [path for path in _texts(host, "-") if host.read(path) is not None]
    link = _wants_link(host)
    target = link_target(host, link)
    steps: list[Step] = []
    if host.offline:
        if target is not None:
            steps.append(Step(f"remove {link}", RemoveLink(link, target)))
    elif _unit_path(host) in paths:
        steps.append(Step(f"do not start {UNIT} at boot", Run(systemd.disable(UNIT))))
    steps += [Step(f"remove {path}", Edit(path, host.read(path), None)) for path in paths]
    steps += _reload_steps(host, bool(paths))
    line = f"{UNIT} is removed" if steps else f"{UNIT} is already removed"
    report = Report((line,), {"unit": UNIT, "files": paths, "changed": bool(steps)})
    notices = ("what is mounted stays mounted",) if steps and not host.offline else ()
    return Plan(tuple(steps), report, notices)


def _texts(host: Host, program: str) -> dict[str, str]:
    folder = host.settings.paths.units
    names = unit_files.mount_drop_in_names(host.settings.paths.cluster_root)
    return {
        _unit_path(host): unit_files.repositories_unit(program),
        **{f"{folder}/{name}": unit_files.mount_drop_in() for name in names},
    }


def _unit_path(host: Host) -> str:
    return f"{host.settings.paths.units}/{UNIT}"


def _wants_link(host: Host) -> str:
    return f"{host.settings.paths.units}/{unit_files.WANTS}/{UNIT}"


def _reload_steps(host: Host, changed: bool) -> list[Step]:
    # A run that was killed before its daemon-reload left a unit that systemd calls outdated.
    if host.offline or not (changed or systemd.needs_reload(host, UNIT)):
        return []
    return [Step("make systemd read its units again", Run(systemd.reload_units()))]


def _enable_steps(host: Host) -> list[Step]:
    link = _wants_link(host)
    if host.offline:
        if link_target(host, link) is not None:
            return []
        return [Step(f"start {UNIT} at boot", MakeLink(link, f"../{UNIT}"))]
    state = systemd.look(host, UNIT).enabled
    if state.startswith("masked"):
        raise RefusedError(
            f"{UNIT} is masked: somebody wanted it never to start",
            hint=f"systemctl unmask {UNIT}, or install it with --no-enable",
        )
    steps = []
    if state != "enabled":
        steps.append(Step(f"start {UNIT} at boot", Run(systemd.enable(UNIT))))
    if not systemd.look(host, UNIT).is_active:
        # Only an active unit is stopped, and so unmounts in its order, at a shutdown.
        steps.append(Step(f"start {UNIT}", Run(systemd.start_later(UNIT))))
    return steps
