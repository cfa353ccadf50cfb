"""Look at the machine once, for the checks, without side effects.

Files, configfs, debugfs and mountinfo say nearly all. `o2cb cluster-status` and `mounted.ocfs2`
load modules and write sysfs (ocfs2-tools libo2cb/o2cb_abi.c), and nothing below a mountpoint is
touched, for storage that hangs would hang the check: df(1) is asked, and only waited for so long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from ..errors import RefusedError
from ..model.cluster_conf import ClusterConf, parse_problems
from ..model.config_standing import NAME as RECORD_NAME
from ..model.config_standing import parse_record
from ..model.fstab import Fstab
from ..model.heartbeat import KernelCluster
from ..model.repositories import RepositoryList
from ..model.shell_vars import ShellVars
from ..system import filesystems, o2cb
from ..system.boot_units import read_boot_unit
from ..system.filesystems import Space
from ..system.host import Host
from ..system.mounts import read_mounts
from . import iscsi
from .look_exports import read_exports, read_heartbeat_loops
from .look_iscsi import read_paths
from .view import Debugfs, View

UNITS = ("o2cb.service", "ovsrepositories.service", "sleep.target", *iscsi.LOGIN_UNITS)
SYSCTLS = ("kernel.panic_on_oops", "kernel.panic")
#: "    Device => Id: 8,17  Uuid: 0123...  Gen: ..." (fs/ocfs2/super.c, ocfs2_osb_dump)
_FS_STATE = re.compile(r"Device => Id: (?P<major>\d+),(?P<minor>\d+)\s", re.ASCII)


def look(host: Host, acts_as_master: bool = False) -> View:
    """Return this server's view; below another root, of the files only."""
    paths = host.settings.paths
    conf = host.read(paths.cluster_conf)
    problems = () if conf is None else tuple(parse_problems(conf, paths.cluster_conf))
    cluster = None
    if conf is not None and not problems:
        cluster = ClusterConf.parse(conf, paths.cluster_conf).cluster
    settings_file = o2cb.defaults_file(host)
    settings = host.read(settings_file)
    folder = paths.repositories.rpartition("/")[0]
    files = View(
        server=host.hostname(),
        paths=paths,
        is_offline=host.offline,
        acts_as_master=acts_as_master,
        cluster_conf=conf,
        conf_problems=problems,
        cluster=cluster,
        hosts_file=host.read("/etc/hosts") or "",
        o2cb_file=settings_file,
        o2cb_settings=None if settings is None else ShellVars.parse(settings),
        repositories=RepositoryList.parse(host.read(paths.repositories) or ""),
        record=parse_record(host.read(f"{folder}/{RECORD_NAME}")),
        fstab=Fstab.parse(host.read(paths.fstab) or ""),
        units={name: read_boot_unit(host, name) for name in UNITS},
        full_percent=host.settings.checks.full_percent,
    )
    return files if host.offline else _with_running(host, files)


def _with_running(host: Host, files: View) -> View:
    debugfs, live = _live(host)
    kernel = o2cb.read_kernel_cluster(host)
    is_visible = debugfs is Debugfs.VISIBLE
    in_pool = files.node is not None
    table = read_mounts(host)
    mounted = [mount for _, mount in replace(files, mounts=table).mounted()]
    exports = read_exports(host, mounted)
    silent = {export.mount.mountpoint for export in exports if export.silent}
    return replace(
        files,
        exports=exports,
        heartbeat_loops=read_heartbeat_loops(host),
        spaces=_spaces(
            host, [each.mountpoint for each in mounted if each.mountpoint not in silent]
        ),
        resolved=host.resolve_name(files.server) if in_pool else (),
        addresses=host.addresses() if in_pool else frozenset(),
        kernel_clusters=host.names(o2cb.CONFIGFS),
        kernel=kernel,
        debugfs=debugfs,
        live=live,
        connected=_connected(host) if is_visible else None,
        mounts=table,
        mounted_uuids={
            **_region_uuids(host, kernel),
            **(_debugfs_uuids(host) if is_visible else {}),
        },
        source_numbers=_source_numbers(host, files.repositories),
        sysctls={
            name: (host.read(f"/proc/sys/{name.replace('.', '/')}") or "").strip()
            for name in SYSCTLS
        },
        iscsi_paths=read_paths(host),
    )


def _spaces(host: Host, places: Iterable[str]) -> dict[str, Space | None]:
    """Ask how full the repositories are, until one does not answer: it may hang for long."""
    found: dict[str, Space | None] = {}
    for place in places:
        if None not in found.values():
            found[place] = filesystems.read_space(host, place)
    return found


def _live(host: Host) -> tuple[Debugfs, frozenset[int] | None]:
    try:
        if not o2cb.has_debugfs(host):
            return Debugfs.HIDDEN, None
        return Debugfs.VISIBLE, o2cb.read_live_nodes(host)
    except PermissionError:  # debugfs is root's alone (mode 0700)
        return Debugfs.ROOT_ONLY, None
    except RefusedError:  # kernel_lockdown(7) lets nobody read it
        return Debugfs.HIDDEN, None


def _connected(host: Host) -> frozenset[int] | None:
    # the file is there with CONFIG_DEBUG_FS only, and came with Linux 2.6.38
    if host.kind(f"{o2cb.DEBUGFS}/o2net/connected_nodes") != "file":
        return None
    return o2cb.read_connected_nodes(host)


def _region_uuids(host: Host, kernel: KernelCluster | None) -> dict[str, str]:
    """Tell file systems from their regions: with local heartbeat both have one UUID."""
    if kernel is None or kernel.mode == "global":
        return {}
    numbers = {region.uuid: _number(host, region.device) for region in kernel.regions}
    return {number: uuid for uuid, number in numbers.items() if number}


def _debugfs_uuids(host: Host) -> dict[str, str]:
    """Ask the file systems themselves."""
    found = {}
    base = f"{o2cb.DEBUGFS}/ocfs2"
    for uuid in host.names(base):
        state = _FS_STATE.search(host.read(f"{base}/{uuid}/fs_state") or "")
        if state:
            found[f"{state['major']}:{state['minor']}"] = uuid
    return found


def _source_numbers(host: Host, repositories: RepositoryList) -> dict[str, str]:
    numbers = {}
    for repository in repositories.repositories:
        if repository.source.startswith("/"):
            name = host.resolve(repository.source).rpartition("/")[2]
            numbers[repository.source] = _number(host, name)
    return {source: number for source, number in numbers.items() if number}


def _number(host: Host, kernel_name: str) -> str:
    """Return a block device's number, "8:17", by its kernel name; empty: there is none."""
    if not kernel_name:
        return ""
    return (host.read(f"/sys/class/block/{kernel_name}/dev") or "").strip()
