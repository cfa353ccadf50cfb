"""Refuse to mount a file system that is larger than what this server takes its device for.

It grew on other servers; this one has not asked the disk since. Mounted like that, everything
behind the old end is an I/O error.
"""

from __future__ import annotations

from ..errors import RefusedError
from ..system import ocfs2, partitions, rescan
from ..system.block import Device
from ..system.host import Host
from . import grow_device


def refuse(host: Host, device: Device) -> None:
    """Raise RefusedError when the OCFS2 on a device goes beyond its end."""
    size = ocfs2.read_size(host, device.kernel_path)
    if size <= device.size_bytes:
        return
    stack = grow_device.look(host, device.kernel_path)
    paths = (rescan.attribute(host, name) for name in stack.asked)
    lines = [f"echo 1 > {path}" for path in paths if path]
    if stack.map_name:
        lines.append(rescan.resize_map(stack.map_name).shell())
    if stack.disk:
        lines.append(partitions.tell_kernel(stack.disk, stack.number).shell())
    raise RefusedError(
        f"the file system on {device.path} is larger than the device is here",
        f"file system: {size} bytes, device: {device.size_bytes}",
        "it has grown on other servers; this one has not asked the disk for its size since",
        hint="\n".join(["let the kernel ask:", *lines]),
    )
