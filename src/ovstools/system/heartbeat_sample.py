"""Two looks at several heartbeat areas: all devices wait together, not one after the other."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import OvsError
from ..model.ocfs2 import HeartbeatSlot, moving
from . import ocfs2
from .host import Host


class HeartbeatSample:
    """The first look; moving() is the second, no sooner than heartbeat_sample_s later."""

    def __init__(self, host: Host, devices: Iterable[str]) -> None:
        self._first = {device: _look(host, device) for device in devices}
        self._taken = host.clock.monotonic()

    def moving(self, host: Host, device: str) -> frozenset[int]:
        """Return the numbers of the nodes whose heartbeat has moved on a device.

        Raises what the first look at this device raised: it must not spoil the others.
        """
        first = self._first[device]
        if isinstance(first, OvsError):
            raise first
        due = self._taken + host.settings.limits.heartbeat_sample_s
        host.clock.sleep(max(0.0, due - host.clock.monotonic()))
        return moving(first, ocfs2.read_heartbeat(host, device))


def _look(host: Host, device: str) -> tuple[HeartbeatSlot, ...] | OvsError:
    try:
        return ocfs2.read_heartbeat(host, device)
    except OvsError as error:
        return error
