"""Two looks at several heartbeat areas."""

from __future__ import annotations

import pytest

from ovstools.errors import OvsError
from ovstools.system.heartbeat_sample import HeartbeatSample
from tests.fakes.machine import FakeMachine


def test_the_wait_is_shared(machine: FakeMachine) -> None:
    for device, beating in (("/dev/sdb1", {0, 7}), ("/dev/sdc1", set())):
        machine.add_disk(device, "8:33" if device == "/dev/sdc1" else "8:17")
        machine.run_format(device)
        machine.disk(device).beating = beating
    host = machine.host()
    start = machine.clock.now
    sample = HeartbeatSample(host, ["/dev/sdb1", "/dev/sdc1"])
    assert machine.clock.now == start
    assert sample.moving(host, "/dev/sdb1") == {0, 7}
    assert sample.moving(host, "/dev/sdc1") == frozenset()
    assert machine.clock.now == start + 5


def test_one_that_cannot_be_read_spoils_only_itself(machine: FakeMachine) -> None:
    machine.add_disk("/dev/sdc1", "8:33")
    machine.run_format("/dev/sdb1")
    host = machine.host()
    sample = HeartbeatSample(host, ["/dev/sdb1", "/dev/sdc1"])  # sdc1 has no OCFS2
    assert sample.moving(host, "/dev/sdb1") == frozenset()
    with pytest.raises(OvsError):
        sample.moving(host, "/dev/sdc1")


def test_nothing_to_look_at_takes_no_time(machine: FakeMachine) -> None:
    start = machine.clock.now
    HeartbeatSample(machine.host(), [])
    assert machine.clock.now == start
