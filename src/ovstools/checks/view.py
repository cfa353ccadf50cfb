"""The view: everything that the checks judge, as data; see look.py for where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ..errors import ParseError
from ..model.cluster import Cluster, Node
from ..model.config_standing import Record
from ..model.fstab import Fstab
from ..model.heartbeat import KernelCluster
from ..model.iscsi import TargetPortal
from ..model.mountinfo import Mount, MountTable
from ..model.repositories import Repository, RepositoryList
from ..model.shell_vars import ShellVars
from ..settings import Paths
from ..system.boot_units import BootUnit
from ..system.filesystems import Space
from ..system.losetup import Loop


class Debugfs(Enum):
    """Whether the kernel's o2hb folder in debugfs can be read."""

    VISIBLE = "visible"
    HIDDEN = "hidden"
    ROOT_ONLY = "root only"


@dataclass(frozen=True)
class IscsiPath:
    """A disk of an iSCSI session.

    numbers: the device numbers of it and of all that is built on it; startup: node.startup of
    its record, empty without a record, None when it could not be read.
    """

    at: TargetPortal
    state: str
    device: str
    numbers: frozenset[str]
    startup: str | None


@dataclass(frozen=True)
class OtherServer:
    """What another server's own check said; problem: why it said nothing, empty when it did."""

    name: str
    is_healthy: bool = False
    summary: str = ""
    findings: tuple[str, ...] = ()
    fingerprint: str | None = None
    nodes: tuple[str, ...] = ()
    problem: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Export:
    """A repository that is mounted from NFS; silent: why its server does not answer, or empty."""

    mount: Mount
    silent: str = ""


@dataclass(frozen=True)
class View:
    """This server as found; what could not be told is None or empty."""

    server: str
    paths: Paths = field(default_factory=Paths)
    #: below another root there is no kernel, no mount and no network to look at
    is_offline: bool = False
    acts_as_master: bool = False
    cluster_conf: str | None = None
    conf_problems: tuple[ParseError, ...] = ()
    cluster: Cluster | None = None
    hosts_file: str = ""
    #: the addresses that the host's own name resolves to
    resolved: tuple[str, ...] = ()
    addresses: frozenset[str] = frozenset()
    o2cb_file: str = "/etc/default/o2cb"
    o2cb_settings: ShellVars | None = None
    kernel_clusters: tuple[str, ...] = ()
    kernel: KernelCluster | None = None
    debugfs: Debugfs = Debugfs.HIDDEN
    live: frozenset[int] | None = None
    connected: frozenset[int] | None = None
    mounts: MountTable = field(default_factory=lambda: MountTable(()))
    #: UUIDs of the mounted OCFS2 file systems, by device number ("8:17")
    mounted_uuids: Mapping[str, str] = field(default_factory=dict)
    repositories: RepositoryList = field(default_factory=lambda: RepositoryList.parse(""))
    #: device numbers of the repositories' sources, as far as the devices are there
    source_numbers: Mapping[str, str] = field(default_factory=dict)
    fstab: Fstab = field(default_factory=lambda: Fstab.parse(""))
    units: Mapping[str, BootUnit] = field(default_factory=dict)
    sysctls: Mapping[str, str] = field(default_factory=dict)
    iscsi_paths: tuple[IscsiPath, ...] = ()
    exports: tuple[Export, ...] = ()
    #: what the heartbeat file of an NFS cluster root is attached to
    heartbeat_loops: tuple[Loop, ...] = ()
    #: how full each mounted repository is, by mountpoint; None: it did not answer
    spaces: Mapping[str, Space | None] = field(default_factory=dict)
    full_percent: float = 90.0
    #: which generation of the pool's configuration this server took last
    record: Record | None = None
    #: with --all, what the pool's other servers said
    others: tuple[OtherServer, ...] = ()

    @property
    def node(self) -> Node | None:
        """Find this server in cluster.conf."""
        return self.cluster.node_of_host(self.server) if self.cluster else None

    @property
    def is_configured(self) -> bool:
        """Tell whether anybody ever set something up here."""
        return bool(
            self.cluster_conf is not None
            or self.repositories.repositories
            or self.repositories.unknown
            or self.kernel_clusters
            or self.mount_at(self.paths.cluster_root)
            or self.fstab.entries_under(self.paths.cluster_root)
        )

    @property
    def is_online(self) -> bool:
        """Tell whether the kernel runs a cluster with this server in it."""
        return self.kernel is not None and self.kernel.is_online

    def mount_at(self, mountpoint: str) -> Mount | None:
        """Find what is mounted at a mountpoint."""
        return self.mounts.at(mountpoint)

    def mountpoint(self, repository: Repository) -> str:
        """Say where a repository belongs; empty while its UUID is not known."""
        if repository.cluster_root:
            return self.paths.cluster_root
        return f"{self.paths.cluster_root}/{repository.uuid}" if repository.uuid else ""

    def mounted(self) -> tuple[tuple[Repository, Mount], ...]:
        """List the repositories that are mounted where they belong, from whatever source."""
        found = ((each, self.mount_at(self.mountpoint(each))) for each in self.listed)
        return tuple((each, mount) for each, mount in found if mount is not None)

    @property
    def listed(self) -> tuple[Repository, ...]:
        """List the repositories."""
        return self.repositories.repositories
