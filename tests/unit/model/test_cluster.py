from __future__ import annotations

import pytest

from ovstools.errors import UsageError
from ovstools.model.cluster import (
    Cluster,
    Node,
    NodeOption,
    is_loopback,
    is_name_of_host,
    is_node_name,
    number_nodes,
    parse_node_option,
)


# gethostname() against the node's name, as node_is_local() of o2cb 1.8.7 compares them
@pytest.mark.parametrize(
    ("node", "host", "is_local"),
    [
        ("vm1", "vm1", True),
        ("VM1", "vm1", True),
        ("vm1", "VM1.example.com", True),
        ("vm1.example.com", "vm1.example.com", True),
        ("vm1.example", "vm1.example.com", True),
        ("vm1.example.com", "vm1", False),
        ("vm1", "vm11", False),
        ("vm1", "vm1-a", False),
        ("vm11", "vm1", False),
        ("", "vm1", False),
    ],
)
def test_which_node_is_this_host(node: str, host: str, is_local: bool) -> None:
    assert is_name_of_host(node, host) is is_local


def test_cluster_finds_its_nodes() -> None:
    one, two = Node("vm1.example.com", 3, "10.0.0.1"), Node("vm2", 1, "10.0.0.2")
    cluster = Cluster("ocfs2", (one, two))
    assert cluster.node("vm2") is two
    assert cluster.node("vm1") is None
    assert cluster.numbered(3) is one
    assert cluster.numbered(0) is None
    assert cluster.node_of_host("vm1.example.com") is one
    assert cluster.node_of_host("vm1") is None
    assert cluster.namesake("vm1") is one
    assert cluster.namesake("vm3") is None
    assert cluster.lowest_number == 1
    assert Cluster("empty").lowest_number is None


@pytest.mark.parametrize(
    ("name", "is_good"),
    [
        ("vm1", True),
        ("1", True),
        ("vm-1.example.com", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("", False),
        ("-vm", False),
        ("vm-", False),
        ("vm_1", False),
        ("vm1.", False),
        (".vm1", False),
        ("vm..1", False),
        ("vm 1", False),
        ("vm1\n", False),
        ("vm1/..", False),
        ("\u00fcm1", False),
        ("vm\u0661", False),
    ],
)
def test_node_names(name: str, is_good: bool) -> None:
    assert is_node_name(name) is is_good


@pytest.mark.parametrize(
    ("ip_address", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.0.1.1", True),
        ("0.0.0.0", True),
        ("128.0.0.1", False),
        ("10.127.0.1", False),
        ("127.0.0", False),
    ],
)
def test_loopback(ip_address: str, is_local: bool) -> None:
    assert is_loopback(ip_address) is is_local


@pytest.mark.parametrize(
    ("word", "option"),
    [
        ("vm1=10.0.0.1", NodeOption("vm1", "10.0.0.1")),
        ("vm1=10.0.0.1:7778", NodeOption("vm1", "10.0.0.1", 7778)),
        ("vm1=10.0.0.1#0", NodeOption("vm1", "10.0.0.1", 7777, 0)),
        ("vm1.a.b=10.0.0.1:80#254", NodeOption("vm1.a.b", "10.0.0.1", 80, 254)),
    ],
)
def test_node_option(word: str, option: NodeOption) -> None:
    assert parse_node_option(word) == option


@pytest.mark.parametrize(
    "word",
    [
        "",
        "vm1",
        "vm1=",
        "=10.0.0.1",
        "vm1=vm1",
        "vm1=10.0.0",
        "vm1=10.0.0.256",
        "vm1=010.0.0.1",
        "vm1=::1",
        "vm1=10.0.0.1:",
        "vm1=10.0.0.1:0",
        "vm1=10.0.0.1:65536",
        "vm1=10.0.0.1#",
        "vm1=10.0.0.1#255",
        "vm1=10.0.0.1#-1",
        "vm1=10.0.0.1#1:7777",
        "vm_1=10.0.0.1",
        "vm1=10.0.0.1\n",
        "vm1 =10.0.0.1",
    ],
)
def test_node_option_nonsense(word: str) -> None:
    with pytest.raises(UsageError):
        parse_node_option(word)


def test_numbers_fill_the_gaps() -> None:
    options = [parse_node_option(f"vm{n}=10.0.0.{n}{'#1' if n == 3 else ''}") for n in (1, 2, 3)]
    assert [node.number for node in number_nodes(options)] == [0, 2, 1]
    assert [node.number for node in number_nodes(options, taken=[0])] == [2, 3, 1]


def test_numbers_run_out() -> None:
    option = parse_node_option("vm1=10.0.0.1")
    assert number_nodes([option], taken=range(254))[0].number == 254
    with pytest.raises(UsageError, match="left"):
        number_nodes([option], taken=range(255))


def test_a_number_is_given_once() -> None:
    with pytest.raises(UsageError, match="already taken"):
        number_nodes([parse_node_option("vm1=10.0.0.1#1")], taken=[1])
    with pytest.raises(UsageError, match="already taken"):
        number_nodes([parse_node_option(f"vm{n}=10.0.0.{n}#1") for n in (1, 2)])
