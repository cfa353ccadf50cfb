from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.errors import ParseError
from ovstools.model.cluster import Cluster, Node
from ovstools.model.heartbeat import (
    KernelCluster,
    KernelNode,
    Region,
    differences,
    format_node_numbers,
    parse_node_numbers,
)
from ovstools.model.timing import DEFAULT, FAST

VM1 = KernelNode("vm1", 0, "10.0.0.1", 7777, is_local=True)
VM2 = KernelNode("vm2", 1, "10.0.0.2", 7777)
KERNEL = KernelCluster("ocfs2", (VM1, VM2), 31, 30000, 2000, 2000)
CLUSTER = Cluster("ocfs2", (Node("vm1", 0, "10.0.0.1"), Node("vm2", 1, "10.0.0.2")))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("0 1 2\n", {0, 1, 2}), ("0 1 254 \n", {0, 1, 254}), ("\n", set()), ("", set()), ("7", {7})],
)
def test_node_numbers(text: str, numbers: set[int]) -> None:
    assert parse_node_numbers(text) == numbers


@pytest.mark.parametrize("text", ["0,1", "255", "-1", "0 x", "0x1"])
def test_node_numbers_nonsense(text: str) -> None:
    with pytest.raises(ParseError, match=r"^o2net/connected_nodes:1: "):
        parse_node_numbers(text, "o2net/connected_nodes")


@given(st.frozensets(st.integers(0, 254)))
def test_format_and_parse_are_a_pair(numbers: frozenset[int]) -> None:
    assert parse_node_numbers(format_node_numbers(numbers)) == numbers


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_node_numbers(text)
    except ParseError:
        return


def test_lookups() -> None:
    region = Region("A" * 32, "sdb1", 812)
    kernel = replace(KERNEL, regions=(region,))
    assert kernel.local_node == VM1
    assert kernel.node("vm2") == VM2
    assert kernel.node("vm3") is None
    assert kernel.region("A" * 32) is region
    assert kernel.region("B" * 32) is None
    assert kernel.timing == DEFAULT


@pytest.mark.parametrize(
    ("nodes", "mode", "regions", "is_online"),
    [
        ((VM1, VM2), "local", (), True),
        ((VM2,), "local", (), False),
        ((), "local", (), False),
        ((VM1,), "global", (), False),
        ((VM1,), "global", (Region("A" * 32, "", None),), False),
        ((VM1,), "global", (Region("A" * 32, "sdb1", 812),), True),
    ],
)
def test_online(
    nodes: tuple[KernelNode, ...], mode: str, regions: tuple[Region, ...], is_online: bool
) -> None:
    kernel = replace(KERNEL, nodes=nodes, mode=mode, regions=regions)
    assert kernel.is_online is is_online


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        ({}, []),
        ({"name": "old"}, ["the kernel runs cluster old, cluster.conf names ocfs2"]),
        ({"mode": "global"}, ["the kernel's heartbeat mode is global, cluster.conf says local"]),
        ({"nodes": (VM1,)}, ["node vm2 is in cluster.conf, but not registered in the kernel"]),
        (
            {"nodes": (VM1, VM2, KernelNode("vm3", 2, "10.0.0.3", 7777))},
            ["node vm3 is registered in the kernel, but not in cluster.conf"],
        ),
        (
            {"nodes": (VM1, replace(VM2, number=5, ip_port=1))},
            [
                "node vm2 is number 5 at 10.0.0.2:1 in the kernel, "
                "number 1 at 10.0.0.2:7777 in cluster.conf"
            ],
        ),
        (
            {"nodes": (replace(VM1, is_local=False), VM2)},
            ["the kernel takes no node for this server"],
        ),
        (
            {"dead_threshold": 61, "idle_ms": 60000},
            [
                "O2CB_HEARTBEAT_THRESHOLD is 61 in the kernel, 31 is set",
                "O2CB_IDLE_TIMEOUT_MS is 60000 in the kernel, 30000 is set",
            ],
        ),
    ],
)
def test_differences(change: dict[str, object], texts: list[str]) -> None:
    kernel = replace(KERNEL, **change)  # type: ignore[arg-type]
    assert differences(kernel, CLUSTER, DEFAULT) == texts


def test_timing_is_compared_only_on_request() -> None:
    assert differences(KERNEL, CLUSTER) == []
    assert len(differences(KERNEL, CLUSTER, FAST)) == 2
