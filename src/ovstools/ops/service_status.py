"""services status: what systemd says of each service, and what is really so."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ExitStatus, OvsError
from ..model import lock_names
from ..model.heartbeat import KernelCluster
from ..system import mounts, o2cb, systemd
from ..system.host import Host
from ..system.pool_units import AGENT, KEEPER, O2CB, OCFS2, REPOSITORIES
from . import listed
from .plan import Report, Table

HEADER = ("SERVICE", "STATE", "SYSTEMD", "BOOT", "REALLY")


@dataclass(frozen=True)
class Service:
    """One line of the status."""

    name: str
    is_well: bool
    systemd: str
    boot: str
    really: str


def look(host: Host) -> Report:
    """Return a line a service; unhealthy unless all that are installed are really up."""
    found = (_o2cb(host), _ocfs2(host), _repositories(host), _keeper(host), _agent(host))
    rows = tuple((s.name, _word(s), s.systemd, s.boot, s.really) for s in found)
    data = {
        "services": [
            {"name": s.name, "ok": s.is_well, "systemd": s.systemd, "boot": s.boot, "is": s.really}
            for s in found
        ]
    }
    well = all(s.is_well for s in found)
    status = ExitStatus.OK if well else ExitStatus.UNHEALTHY
    return Report(data=data, status=status, table=Table(HEADER, rows))


def _o2cb(host: Host) -> Service:
    kernel = o2cb.read_kernel_cluster(host)
    online = kernel is not None and kernel.is_online
    return _service(host, O2CB, online, _describe(kernel))


def _ocfs2(host: Host) -> Service:
    count = len(mounts.mounted_ocfs2(host))
    is_active = not host.offline and systemd.look(host, OCFS2).is_active
    return _service(host, OCFS2, is_active, f"{count} OCFS2 mounted")


def _repositories(host: Host) -> Service:
    known = listed.read_listed(host)
    mounted = [each for each in known if each.is_whole]
    really = f"{len(mounted)} of {len(known)} repositories mounted"
    return _service(host, REPOSITORIES, len(mounted) == len(known), really)


def _keeper(host: Host) -> Service:
    unit = None if host.offline else systemd.look(host, KEEPER)
    if unit is None or not unit.exists:
        return _service(host, KEEPER, True, "not installed")
    try:
        names = host.keeper.names()
    except OvsError as error:
        return _service(host, KEEPER, False, error.what)
    guests = sum(map(lock_names.is_guest, names))
    really = f"locks held: {len(names) - guests} of servers, {guests} of guests"
    return _service(host, KEEPER, unit.is_active, really)


def _agent(host: Host) -> Service:
    unit = None if host.offline else systemd.look(host, AGENT)
    if unit is None or not unit.exists:
        return _service(host, AGENT, True, "not installed")
    return _service(host, AGENT, unit.is_active, unit.active_state)


def _service(host: Host, name: str, is_well: bool, really: str) -> Service:
    short = name.rpartition(".")[0]
    if host.offline:
        return Service(short, is_well, "-", "-", really)
    unit = systemd.look(host, name)
    if not unit.exists:
        return Service(short, is_well, "not-installed", "-", really)
    return Service(short, is_well, unit.active_state, unit.enabled or "-", really)


def _word(service: Service) -> str:
    return "ok" if service.is_well else "down"


def _describe(kernel: KernelCluster | None) -> str:
    if kernel is None:
        return "no cluster in the kernel"
    state = "online" if kernel.is_online else "registered, not online"
    count = len([region for region in kernel.regions if region.is_active])
    return f"{kernel.name} {state}, {count} active region{'' if count == 1 else 's'}"
