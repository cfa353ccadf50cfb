"""Which hypervisors this server has: those that are named in the settings, or installed."""

from __future__ import annotations

from ...errors import UsageError
from ...system.host import Host
from .libvirt import Libvirt
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
XEN, SYSTEMD = "/proc/xen/capabilities", "/run/systemd/system"


def hypervisors_here(host: Host) -> tuple[Hypervisor, ...]:
    """Return this server's hypervisors. Raises UsageError for a name that is none."""
    words = host.settings.ha.hypervisors
    names = installed(host) if words == "auto" else tuple(words.split())
    return tuple(_named(name) for name in names)


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


def _named(name: str) -> Hypervisor:
    if name == "xl":
        return Xl()
    if name == "process":
        return Process()
    if ":///" not in name:
        raise UsageError(
            f"ha.hypervisors: {name!r} is none", "expected libvirt URIs, xl or process"
        )
    return Libvirt(name)
