"""Servers joining and leaving a pool: whole command lines on three fake servers with ssh."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ovstools.model.pool_config import parse_config
from tests.fakes.joined import DEVICE, Server, make_pool
from tests.fakes.machine import NODES

CONF, RECORD = "/etc/ocfs2/cluster.conf", "/etc/ovs/pool-config"
COPY = "/OVS/.ovs/config.json"
ADD = f"{NODES[2].name}={NODES[2].ip_address}"
PROPAGATE = "ovs-cluster-check --master --alter-fstab --propagate"


@pytest.fixture
def servers(tmp_path: Path) -> list[Server]:
    """Return a pool of two, and a third server that is in none."""
    return make_pool(tmp_path)


def test_a_newcomer_by_add_all_and_makerepo(servers: list[Server]) -> None:
    one, two, three = servers
    status, said = one.type(f"ovs-cluster-configure --add {ADD} --all")
    assert status == 0, said
    for server in servers:
        assert server.cluster_conf().cluster.nodes == NODES, server.hostname
        assert server.kernel_nodes() == [node.name for node in NODES]
        assert "generation=1" in server.read(RECORD)
    assert "systemctl restart o2cb.service" not in two.commands, "no outage"
    assert three.read("/etc/ovs/repositories").splitlines()[-1] == f"@{one.uuid(DEVICE)} {DEVICE}"
    status, said = three.type(f'ovs-makerepo {DEVICE} C "cluster root"')
    assert (status, "mounted at /OVS" in said) == (0, True), said
