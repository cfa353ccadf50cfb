"""kill -9 at every step boundary, in one chained run: each run goes one change further."""

from __future__ import annotations

import pytest

from tests.e2e import journey
from tests.lab.lab import Lab
from tests.lab.server import Server

pytestmark = pytest.mark.lab(scope="module")

DRIVER = '''
"""Run a command line; kill -9 this process behind its n-th change, unless a plan ends there."""
import os, signal, sys
from dataclasses import replace
from ovstools.cli import main, perform
from ovstools.ops.plan import Confirm

apply, behind = perform.apply, int(sys.argv[1])

def apply_and_die(plan, host):
    global behind
    changes = [n for n, step in enumerate(plan.steps) if not isinstance(step.change, Confirm)]
    if len(changes) > behind:
        apply(replace(plan, steps=plan.steps[: changes[behind - 1] + 1]), host)
        os.kill(os.getpid(), signal.SIGKILL)
    behind = max(1, behind - len(changes))
    apply(plan, host)

perform.apply = apply_and_die
name, *words = sys.argv[2:]
sys.exit(main.run(main.load_command(name), name, words))
'''
KILLED = 137


def chain(server: Server, line: str, check: str) -> int:
    """Run a line again and again, each run killed behind its first change; count the kills.

    check: bash, each command of which must succeed after each kill: no file is half-written.
    """
    for kills in range(40):
        if not is_killed(server, line, check):
            return kills
    raise AssertionError(f"{line} never came to its end")


def is_killed(server: Server, line: str, check: str, behind: int = 1) -> bool:
    """Run a line that is killed behind its n-th change; False: it came to its end before."""
    server.write("/root/driver.py", DRIVER)
    outcome = server.sh(
        # `exit $?` keeps bash from becoming the program: ssh has no number for a signal
        f"/opt/ovstools/bin/python /root/driver.py {behind} {line}; exit $?",
        status=None,
        timeout_s=180,
    )
    server.sh(f"set -e; {check}")
    assert outcome.status in (0, KILLED), outcome.describe()
    return outcome.status == KILLED


def test_cluster_configure(lab: Lab) -> None:
    one = lab.servers[0]
    listing = "o2cb list-nodes --oneline ocfs2"
    whole = f"test ! -e /etc/ocfs2/cluster.conf || test $({listing} | grep -c ^node:) = 3"
    line = f"cluster-configure {journey.node_options(lab.servers)} --timing {journey.TIMING}"
    assert chain(one, line, whole) == 4
    assert one.sh("cat /sys/kernel/config/cluster/ocfs2/node/*/num").stdout == "0\n1\n2\n"
    assert one.sh("ls -A /etc/ocfs2").lines == ["cluster.conf"], "no temporary file is left"
    assert "already online" in one.sh(f"ovstools {line}").stdout


def test_makerepo(lab: Lab) -> None:
    one = lab.servers[0]
    whole = (
        "test ! -e /etc/ovs/repositories ||"
        " grep -qE '^@[0-9A-F]{32} /dev/disk/by-id/wwn-' /etc/ovs/repositories;"
        " test ! -e /OVS/.ovsrepo || grep -q '^SHARED=C$' /OVS/.ovsrepo"
    )
    line = f"makerepo {journey.DEVICE} C 'cluster root' --format --journal-size 16M"
    assert chain(one, line, whole) == 9
    uuid = journey.root_uuid(one)
    assert journey.mounted_device(one) == journey.DEVICE
    assert journey.region_is_active(one, uuid)
    assert f"UUID={uuid}\n" in one.read("/OVS/.ovsrepo")
    assert one.sh("ls -A /etc/ovs").lines == ["repositories"]
    refs = one.sh(f"ocfs2_hb_ctl -I -d {journey.DEVICE}").stdout
    assert refs == f"{uuid}: 1 refs\n"
    assert "already mounted" in one.sh(f"ovstools {line}").stdout


def test_offlinerepo(lab: Lab) -> None:
    one = lab.servers[0]
    assert chain(one, "offlinerepo -d 'cluster root'", "true") == 1
    assert journey.mounted_device(one) is None
    assert journey.listed(one) == []


#: stands before the real one in ovstools' path, and stops itself until it is told to go on
STOPPING_MKFS = """#!/bin/sh
case "$1" in -n) ;; *) kill -STOP $$ ;; esac
exec /usr/sbin/mkfs.ocfs2 "$@"
"""


def test_killed_while_mkfs_runs(lab: Lab) -> None:
    """The mkfs that goes on keeps the lock: no second mkfs beside it, and the re-run finishes."""
    one = lab.servers[0]
    wrapper = "/usr/local/sbin/mkfs.ocfs2"
    one.write(wrapper, STOPPING_MKFS, mode=0o755)
    line = 'ovs-makerepo /dev/sdc C "cluster root" --format --journal-size 8M'
    one.start("sh", "-c", line)
    one.wait_until(
        f"grep -lF 'T (stopped)' $(pgrep -f {wrapper[:-1]}[2] | sed 's,.*,/proc/&/status,')"
    )
    one.run("rm", wrapper)
    outcome = one.sh(f"pkill -KILL -f 'bin/[o]vs-makerepo'; {line}; exit $?", status=5)
    assert "a program that it started still runs" in outcome.stderr
    one.sh(f"pkill -CONT -f {wrapper[:-1]}[2]; {line} --lock-wait 120", timeout_s=240)
    assert journey.mounted_device(one) == "/dev/sdc"
    assert one.exists("/OVS/lost+found")
