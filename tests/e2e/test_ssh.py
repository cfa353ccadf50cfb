"""ssh-setup between real sshds: who gets in, by what, and no further than a migration needs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e import pools
from tests.lab.lab import Lab
from tests.lab.outcome import Outcome
from tests.lab.server import Server

pytestmark = pytest.mark.lab(scope="module", begin=(pools.ocfs2_root,))

#: as libvirtd calls ssh, with keyfile= and no_tty=1 in its URI: without our other options
LIBVIRT = "ssh -T -oBatchMode=yes -e none -i /etc/ovs/ssh/id_ed25519 -l root -- {} {}"
AUTHORIZED = "/root/.ssh/authorized_keys"


def log_in(server: Server, other: Server, line: str, status: int | None = 0) -> Outcome:
    """Log in as libvirtd does."""
    return server.sh(LIBVIRT.format(other.name, line), status=status)


def set_up(server: Server, other: Server) -> Any:
    """Set a server up; return what it says of another one."""
    answer = server.run("ovstools", "ssh-setup", "--json").json()
    (found,) = [each for each in answer["servers"] if each["name"] == other.name]
    return found


def test_each_server_once_and_the_first_again(lab: Lab) -> None:
    one, two, _ = lab.servers
    before = two.read(AUTHORIZED)
    first = one.run("ovstools", "ssh-setup")
    assert f"{two.name}  has published nothing yet" in first.stdout
    assert set_up(two, one)["ok"] is False, "the first does not know it yet"
    assert set_up(one, two) == {"name": two.name, "ok": True, "is": "root logs in there"}
    assert set_up(two, one)["ok"] is True
    assert two.read(AUTHORIZED).startswith(before), "others' lines are as they were"


def test_the_way_of_a_migration_and_no_further(lab: Lab) -> None:
    one, two, _ = lab.servers
    assert log_in(one, two, "uname -n").stdout == f"{two.name}\n"
    assert log_in(two, one, "uname -n").stdout == f"{one.name}\n"
    forced = one.sh(f"ssh -tt -oBatchMode=yes -i /etc/ovs/ssh/id_ed25519 root@{two.name} tty",
                    status=None)  # fmt: skip
    assert "PTY allocation request failed" in forced.stderr
    two.sh(f'sed -i \'s/from="[^"]*"/from="192.168.100.250"/\' {AUTHORIZED}')
    assert log_in(one, two, "true", status=255).stderr
    assert two.run("ovstools", "ssh-setup", "--json").json()["changed"] is True
    assert log_in(one, two, "true").status == 0


def test_a_strangers_host_key_is_not_believed(lab: Lab) -> None:
    """As if somebody else answered at two's address: there, the key is another one's.

    The lab's servers come from one image, with one host key.
    """
    one, two, _ = lab.servers
    one.sh("ssh-keygen -q -t ed25519 -N '' -C '' -f /root/stranger")
    key = one.read("/root/stranger.pub").strip()
    one.write("/etc/ovs/ssh/known_hosts", f"{two.name},{two.address} {key}\n")
    assert "Host key verification failed" in log_in(one, two, "true", status=255).stderr
    assert one.run("ovstools", "ssh-setup", "--json").json()["changed"] is True
    assert log_in(one, two, "true").status == 0


def test_remove(lab: Lab) -> None:
    one, two, _ = lab.servers
    two.run("ovstools", "ssh-setup", "--remove")
    assert "ovstools-ssh-setup" not in two.read(AUTHORIZED)
    assert not two.exists("/etc/ovs/ssh") and not two.exists(f"/OVS/.ovs/ssh/{two.name}.pub")
    assert "Permission denied" in log_in(one, two, "true", status=255).stderr
    one.run("ovstools", "ssh-setup")
    assert "ovstools-ssh-setup" not in one.read(AUTHORIZED)
    assert "already" in two.run("ovstools", "ssh-setup", "--remove").stdout
