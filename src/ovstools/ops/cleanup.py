"""cleanup: take this server out of its pool, and leave it as it was before; all data stays.

Oracle VM Server 2.2 had cleanup.py for this. The order is that of leaving: what needs the pool
file system first, then the services in their order, and cluster.conf last, so that a run that was
killed finds its way on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import RefusedError, ToolError
from ..model.config_standing import NAME as RECORD_NAME
from ..model.repositories import format_line
from ..model.shell_vars import ShellVars
from ..system import o2cb, sysctl, systemd
from ..system.host import Host
from ..system.pool_units import KEEPER
from . import (
    guests_here,
    install_hook,
    install_units,
    mounting,
    service_stop,
    ssh_setup,
)
from .plan import Confirm, Edit, Plan, Report, Run, Step, folder_of
from .unmounting import LEAVE_HINT


@dataclass(frozen=True)
class Request:
    """The words of the command line; program: the ovstools that runs."""

    program: str


def plan(host: Host, request: Request) -> Plan:
    """Plan all that takes this server out of its pool.

    Raises RefusedError, before anything is changed, while guests run here or anything uses the
    repositories.
    """
    notices: list[str] = []
    steps: list[Step] = []
    if not host.offline:
        _refuse_guests(host)
        stopping = service_stop.plan_stop(host)
        keys = ssh_setup.plan(host, ssh_setup.Request(remove=True))
        steps += [*keys.steps, *stopping.steps]
        notices += stopping.notices if stopping.steps else ()
    steps += [*_units(host, request), *_hook(host, request, notices)]
    steps += _files(host)
    name = host.hostname()
    left = tuple(format_line(each) for each in mounting.read_list(host).repositories)
    if steps:
        notices = [*_announced(steps), *notices]
    lines = [
        f"{name} is {'' if steps else 'already '}out of its pool",
        *(f"  left as it was: {line}" for line in left),
    ]
    if steps:
        lines.append(f"on another server of the pool: ovs-cluster-configure --remove {name}")
    data = {"changed": bool(steps), "server": name, "left": list(left)}
    return Plan(tuple(steps), Report(tuple(lines), data), tuple(notices))


def _refuse_guests(host: Host) -> None:
    guests = guests_here.look(host)
    if guests:
        raise RefusedError(
            "guests of the pool run here; nothing was changed",
            *guests_here.sentences(guests),
            hint=LEAVE_HINT,
        )


def _announced(steps: list[Step]) -> Iterator[str]:
    """Say all that will be done, before any of it is done."""
    yield "this server leaves its pool; no data on any repository is touched; what will be done:"
    for step in steps:
        if not isinstance(step.change, Confirm):
            yield f"  {step.title}"


def _units(host: Host, request: Request) -> list[Step]:
    removal = install_units.plan(host, install_units.Request(request.program, remove=True))
    steps = list(removal.steps)
    if not host.offline and systemd.look(host, KEEPER).is_active:
        # Without its unit file it no longer refuses to be stopped.
        limit_s = host.settings.limits.service_s
        steps += [
            Step("look before the keeper ends", Confirm("it holds no lock", _confirm_no_lock)),
            Step(f"stop {KEEPER}", Run(systemd.stop(KEEPER, limit_s))),
        ]
    return steps


def _confirm_no_lock(host: Host) -> None:
    held = sorted(host.keeper.names())
    if held:
        raise ToolError(
            f"the keeper holds {', '.join(held)}: something was started here meanwhile",
            hint="ovstools vm list; then run the command again",
        )


def _hook(host: Host, request: Request, notices: list[str]) -> tuple[Step, ...]:
    removal = install_hook.plan(host, install_hook.Request(request.program, remove=True))
    notices += removal.notices if removal.steps else ()
    return removal.steps


def _files(host: Host) -> Iterator[Step]:
    """Yield what removes our files; cluster.conf last: with it this server is in a pool."""
    paths = host.settings.paths
    record = f"{folder_of(paths.repositories)}/{RECORD_NAME}"
    for path in (paths.repository_options, paths.repositories, record):
        yield from _removed(host, path)
    if host.read(sysctl.FILE) == sysctl.TEXT:
        yield from _removed(host, sysctl.FILE)
    settings = o2cb.defaults_file(host)
    text = host.read(settings)
    if text is not None and ShellVars.parse(text).get("O2CB_ENABLED") == "true":
        after = str(ShellVars.parse(text).with_value("O2CB_ENABLED", "false"))
        yield Step("no longer start o2cb", Edit(settings, text, after))
    yield from _removed(host, paths.cluster_conf)


def _removed(host: Host, path: str) -> Iterator[Step]:
    text = host.read(path)
    if text is not None:
        yield Step(f"remove {path}", Edit(path, text, None))
