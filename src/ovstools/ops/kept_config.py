"""The pool's configuration where it is kept: this server's files, and the copy for all servers.

The copy is on the cluster root, in .ovs/config.json. On OCFS2 that is read from the unmounted
volume as well: a server that was away needs it before it can mount anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import OvsError, ParseError, RefusedError
from ..model import pool_config
from ..model.cluster import Node
from ..model.cluster_conf import ClusterConf
from ..model.config_standing import NAME as RECORD_NAME
from ..model.config_standing import Own, Record, format_record, parse_record
from ..model.lock_names import CONFIG
from ..model.lock_names import FOLDER as LOCKS
from ..model.pool_config import PoolConfig, format_config, parse_config
from ..model.repositories import Repository
from ..model.shell_vars import ShellVars
from ..model.source import NfsSource, parse_source
from ..model.timing import from_vars
from ..system import files, filesystems, mounts, o2cb, ocfs2, pool_fs, pool_lock
from ..system.host import Host
from . import listed, mounting
from .marker import SHARED_WORDS
from .plan import Edit, Step, edit_step, folder_of

FOLDER = pool_fs.FOLDER
#: for locks/config: others hold it for moments
PATIENCE_S = 10.0
#: a server that has just died keeps everybody waiting for its locks (T x 2 s, and some)
RECOVERY_S = 90.0


def record_path(host: Host) -> str:
    """Return where this server notes which generation it has."""
    return f"{folder_of(host.settings.paths.repositories)}/{RECORD_NAME}"


def copy_folder(host: Host) -> str | None:
    """Return the folder of the copy when the cluster root is mounted, and shared."""
    root = host.settings.paths.cluster_root
    mount = mounts.read_mounts(host).at(root)
    if mount is None or mount.fstype not in (pool_fs.FSTYPE, "nfs", "nfs4"):
        return None
    return f"{root}/{FOLDER}"


def has_place(host: Host) -> bool:
    """Tell whether a copy can be kept: the root is mounted, and the pool's locks are there."""
    return copy_folder(host) is not None and pool_fs.find(host) is not None


def read_own(host: Host) -> Own:
    """Return what this server has. Raises RefusedError without a good cluster.conf."""
    path = host.settings.paths.cluster_conf
    text = host.read(path)
    if text is None:
        raise RefusedError(
            f"this server is in no cluster: there is no {path}", hint="ovs-cluster-configure"
        )
    return own_of(host, ClusterConf.parse(text, path))


def own_of(host: Host, conf: ClusterConf) -> Own:
    """Return what this server would have with such a cluster.conf."""
    variables = ShellVars.parse(host.read(o2cb.defaults_file(host)) or "")
    return Own(conf.cluster, from_vars(variables.get), host.hostname(), read_record(host))


def read_record(host: Host) -> Record | None:
    """Return which generation this server took last, if any."""
    return parse_record(host.read(record_path(host)))


def read_copy(host: Host) -> PoolConfig | None:
    """Return the copy on the mounted cluster root; None when there is none.

    Raises RefusedError when it cannot be read: a damaged one is not replaced unasked.
    """
    folder = copy_folder(host)
    if folder is None:
        return None
    path = f"{folder}/{pool_config.NAME}"
    text = host.run(replace(filesystems.cat(path), timeout_s=RECOVERY_S)).stdout
    try:
        return parse_config(text, path) if text else None
    except ParseError as error:
        raise RefusedError(
            f"{path} is damaged",
            error.what,
            hint=f"if this server's files are right: mv {path} {path}.damaged\n"
            "ovs-cluster-check --master --propagate",
        ) from error


def read_unmounted(host: Host, device: str) -> PoolConfig | None:
    """Return the copy on an OCFS2 volume that is not mounted here; None when there is none."""
    request = f"cat /{FOLDER}/{pool_config.NAME}"
    text = host.run(ocfs2.debugfs(device, request)).stdout
    return parse_config(text, f"{device}:/{FOLDER}/{pool_config.NAME}") if text.strip() else None


def gather(host: Host, own: Own, conf: str, copy: PoolConfig | None,
           removed: tuple[Node, ...] = ()) -> tuple[PoolConfig, tuple[str, ...]]:  # fmt: skip
    """Return what the pool is to have, after this server's files; and notices.

    removed: nodes that are being taken out. The generation is the copy's when nothing changes.
    """
    shared, notices = _shared_repositories(host)
    table = mounting.read_options(host).table
    keys = {each.uuid for each in shared} | {each.source for each in shared}
    options = {key: value for key, value in table.items() if key in keys or " " in key}
    before = {node.name: node for node in (*(copy.removed if copy else ()), *removed)}
    present = {node.name for node in own.cluster.nodes}
    config = PoolConfig(
        conf=conf,
        timing=own.timing,
        repositories=tuple(sorted(shared, key=lambda each: (not each.cluster_root, each.uuid))),
        options=tuple(sorted(options.items())),
        removed=tuple(node for name, node in sorted(before.items()) if name not in present),
    )
    return replace(config, generation=_generation(own, config, copy)), notices


def _generation(own: Own, config: PoolConfig, copy: PoolConfig | None) -> int:
    """Return the copy's when nothing changes, else a higher one than anybody has seen."""
    last = own.record.generation if own.record else 0
    if copy is None:
        return last if own.record and not own.is_edited else last + 1
    return copy.generation if copy.is_same(config) else max(last, copy.generation) + 1


def _shared_repositories(host: Host) -> tuple[list[Repository], tuple[str, ...]]:
    """Return the listed repositories that are the pool's; a local one is this server's own."""
    found, notices = [], []
    for each in listed.read_listed(host):
        if each.repository.uuid is None:
            notices.append(f"{each.name}: not propagated: it was never mounted, so has no UUID yet")
            continue
        shared = _shared_word(host, each)
        if shared is None:
            notices.append(f"{each.name}: not propagated: nobody can tell whether it is shared")
        elif shared != "0":
            found.append(each.repository)
    return found, tuple(notices)


def _shared_word(host: Host, each: listed.Listed) -> str | None:
    if each.repository.cluster_root:
        return "C"
    if isinstance(parse_source(each.repository.source), NfsSource):
        return "1"
    try:
        if each.is_mounted and each.mountpoint is not None:
            marker = filesystems.read_marker(host, each.mountpoint)
        else:
            marker = ocfs2.read_marker(host, each.repository.source)
    except OvsError:
        return None
    return marker.shared if marker and marker.shared in SHARED_WORDS else None


@dataclass(frozen=True)
class KeepCopy:
    """Write the copy under locks/config, unless another server has just changed it otherwise."""

    path: str
    before: PoolConfig | None
    after: PoolConfig

    def preview(self) -> str:
        """Return a unified diff."""
        text = format_config(self.before) if self.before else None
        return Edit(self.path, text, format_config(self.after)).preview()

    def preflight(self, host: Host) -> None:
        """Refuse when the folder cannot take a file."""
        files.probe(host.path(self.path).parent)

    def apply(self, host: Host) -> None:
        """Write it, durably. It gets where debugfs.ocfs2 reads when OCFS2 writes its journal home:
        at the unmount, or when another server asks for the file, as all do that receive it.
        """
        lock = host.path(f"{pool_fs.demand(host).folder}/{LOCKS}/{CONFIG}")
        with pool_lock.held(lock, PATIENCE_S, host.clock):
            text = files.read_text(host.path(self.path))
            now = None if text is None else parse_config(text, self.path)
            if now == self.after:  # the same words on another server were quicker
                return
            if now != self.before:
                raise RefusedError(
                    f"{self.path} was changed by somebody else just now",
                    hint="run the command again",
                )
            files.replace(host.path(self.path), format_config(self.after), text, 0o600)


def keep_steps(host: Host, before: PoolConfig | None, after: PoolConfig) -> list[Step]:
    """Return the step that keeps the copy; none when it is so, or there is no place for it."""
    folder = copy_folder(host)
    if folder is None or before == after or not has_place(host):
        return []
    path = f"{folder}/{pool_config.NAME}"
    return [Step(f"keep it for servers that are away: {path}", KeepCopy(path, before, after))]


def record_steps(host: Host, config: PoolConfig) -> list[Step]:
    """Return the step that notes which generation this server has."""
    path = record_path(host)
    title = f"note generation {config.generation} in {path}"
    return edit_step(title, path, host.read(path), format_record(config))
