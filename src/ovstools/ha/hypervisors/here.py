"""Which hypervisors this server has: those that are named in the settings, or installed."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import UsageError
from ...system import ssh
from ...system.host import Host
from .libvirt import Libvirt
from .libvirt_listed import LibvirtListed
from .libvirt_lxc import LibvirtLxc
from .process import Process
from .protocol import Hypervisor
from .xl import Xl

#: libvirt's drivers are modules of their own in Debian, Ubuntu and Oracle Linux
DRIVER_FOLDERS = (
    "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver",
    "/usr/lib/aarch64-linux-gnu/libvirt/connection-driver",
    "/usr/lib64/libvirt/connection-driver",
    "/usr/lib/libvirt/connection-driver",
)
DRIVERS = {
    "libvirt_driver_qemu.so": "qemu:///system",
    "libvirt_driver_lxc.so": "lxc:///system",
    "libvirt_driver_libxl.so": "xen:///system",
}
#: those whose driver needs asking in another way than qemu's
LIBVIRT: Mapping[str, type[Libvirt]] = {"lxc": LibvirtLxc, "xen": LibvirtListed}
XEN, SYSTEMD = "/proc/xen/capabilities", "/run/systemd/system"


def hypervisors_here(host: Host) -> tuple[Hypervisor, ...]:
    """Return this server's hypervisors. Raises UsageError for a name that is none."""
    words = host.settings.ha.hypervisors
    names = installed(host) if words == "auto" else tuple(words.split())
    return tuple(_named(name, host) for name in names)


def installed(host: Host) -> tuple[str, ...]:
    """Return the names of those that are installed, libvirt's first."""
    modules = {name for folder in DRIVER_FOLDERS for name in host.names(folder)}
    has_xen = host.read(XEN) is not None
    found = [uri for module, uri in DRIVERS.items() if module in modules]
    if not has_xen:
        found = [uri for uri in found if not uri.startswith("xen:")]
    elif "xen:///system" not in found:
        found.append("xl")
    if host.kind(SYSTEMD) == "directory":
        found.append("process")
    return tuple(found)


def _named(name: str, host: Host) -> Hypervisor:
    paths, clock = host.settings.paths, host.clock
    if name == "xl":
        return Xl(ssh.program_line(paths), clock)
    if name == "process":
        return Process(clock)
    if ":///" not in name:
        raise UsageError(
            f"ha.hypervisors: {name!r} is none", "expected libvirt URIs, xl or process"
        )
    kind = LIBVIRT.get(name.partition(":")[0], Libvirt)
    return kind(name, ssh.key_path(paths), clock)
