from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.errors import ParseError, RefusedError
from ovstools.model.cluster_conf import (
    Cluster,
    ClusterConf,
    Node,
    format_cluster_conf,
    parse_problems,
    same_meaning,
)
from tests.unit.model.captured import DATA, captured

WHITE_PAPER = (DATA / "cluster.conf" / "white-paper.txt").read_text(encoding="utf-8")
VM1 = Node("vmserver1.example.com", 0, "192.168.100.100")
VM2 = Node("vmserver2.example.com", 1, "192.168.100.101")
VM3 = Node("vmserver3.example.com", 2, "192.168.100.102")
CLUSTER = "cluster:\n\tname = ocfs2\n\tnode_count = 1\n\n"
NODE = (
    "node:\n\tname = vm1\n\tnumber = 0\n\tip_address = 10.0.0.1\n"
    "\tip_port = 7777\n\tcluster = ocfs2\n"
)


def test_white_paper_sample() -> None:
    conf = ClusterConf.parse(WHITE_PAPER)
    assert conf.cluster == Cluster("ocfs2", (VM1, VM2), "local")
    assert str(conf) == WHITE_PAPER
    assert format_cluster_conf(conf.cluster) == WHITE_PAPER


def test_what_o2cb_writes() -> None:
    conf = ClusterConf.parse(captured("o2cb", "cluster-conf-local"))
    assert same_meaning(conf, ClusterConf.parse(WHITE_PAPER))
    conf = ClusterConf.parse(captured("o2cb", "cluster-conf-global"))
    assert conf.cluster.regions == ("0123456789ABCDEF0123456789ABCDEF",)
    assert not same_meaning(conf, ClusterConf.parse(WHITE_PAPER))
    assert same_meaning(ClusterConf.parse(format_cluster_conf(conf.cluster)), conf.cluster)


# each was given to o2cb 1.8.7, which took it
@pytest.mark.parametrize(
    "text",
    [
        CLUSTER + NODE,
        CLUSTER + NODE.rstrip("\n"),
        (CLUSTER + NODE).replace("\t", " "),
        (CLUSTER + NODE).replace(" = ", "="),
        (CLUSTER + NODE).replace("\n\n", "\n"),
        CLUSTER + NODE.replace("7777", "7777  \t"),
        CLUSTER + NODE.replace("\tnumber", "# a comment\n\tnumber"),
        CLUSTER + NODE + "\tunknown = a = b\n\tempty =\n",
        CLUSTER + NODE + "\nother:\n\tkey = value\n",
        CLUSTER + NODE.replace("number = 0", "number = +007"),
        CLUSTER.replace("node_count = 1", "node_count = 9") + NODE,
        CLUSTER.replace("name", "heartbeat_mode = GLOBAL\n\tname") + NODE,
        CLUSTER.replace("\tname", "\tname = first\n\tname") + NODE,
        "cluster:  \n\tname = a\n\tnode_count = 0\n \t\n\n",
    ],
)
def test_good_spellings(text: str) -> None:
    assert parse_problems(text) == []
    assert str(ClusterConf.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("", 1, "cluster: stanza"),
        (NODE, 1, "cluster: stanza"),
        ((CLUSTER + NODE).replace("\n", "\r\n"), 1, "LF"),
        ("\ufeff" + CLUSTER + NODE, 1, "byte order mark"),
        (CLUSTER + NODE.replace("\tnumber", "\t# comment\n\tnumber"), 7, "comment in column 0"),
        (CLUSTER + NODE.replace("\tnumber", "\n\tnumber"), 8, "directly below its stanza"),
        (CLUSTER + NODE.replace("\tnumber", "number"), 7, "indented"),
        (CLUSTER + NODE.replace("number =", "number"), 7, "KEY = VALUE"),
        (CLUSTER + NODE.replace("\tnumber", "\tmy-key = 1\n\tnumber"), 7, "KEY = VALUE"),
        (CLUSTER + NODE.replace("node:", "node: x"), 5, "stanza header"),
        (CLUSTER + "hello\n" + NODE, 5, "stanza header"),
        (CLUSTER + " = 1\n" + NODE, 5, "KEY = VALUE"),
        (CLUSTER.replace("\tname = ocfs2\n", "") + NODE, 1, "name in the cluster stanza"),
        (CLUSTER.replace("\tnode_count = 1\n", "") + NODE, 1, "node_count"),
        (CLUSTER.replace("= 1", "= many") + NODE, 3, "node_count"),
        (CLUSTER.replace("ocfs2", "my_pool") + NODE, 2, "letters and digits"),
        (CLUSTER.replace("ocfs2", "a" * 17) + NODE, 2, "letters and digits"),
        (CLUSTER + CLUSTER.replace("ocfs2", "b") + NODE, 5, "one cluster"),
        (CLUSTER + CLUSTER + NODE, 5, "one cluster"),
        (CLUSTER.replace("name", "heartbeat_mode = maybe\n\tname") + NODE, 2, "local or global"),
        (CLUSTER + NODE.replace("name = vm1", "name = vm_1"), 6, "host name"),
        (CLUSTER + NODE.replace("\tname = vm1\n", ""), 5, "name in the node stanza"),
        (CLUSTER + NODE.replace("number = 0", "number = 255"), 7, "0 to 254"),
        (CLUSTER + NODE.replace("number = 0", "number = -1"), 7, "0 to 254"),
        (CLUSTER + NODE.replace("number = 0", "number = 0x1"), 7, "0 to 254"),
        (CLUSTER + NODE.replace("number = 0", "number ="), 7, "number in the node stanza"),
        (CLUSTER + NODE.replace("10.0.0.1", "vm1"), 8, "IPv4"),
        (CLUSTER + NODE.replace("10.0.0.1", "fe80::1"), 8, "IPv4"),
        (CLUSTER + NODE.replace("10.0.0.1", "010.0.0.1"), 8, "IPv4"),
        (CLUSTER + NODE.replace("7777", "0"), 9, "1 to 65535"),
        (CLUSTER + NODE.replace("7777", "70000"), 9, "1 to 65535"),
        (CLUSTER + NODE.replace("\tip_port = 7777\n", ""), 5, "ip_port"),
        (CLUSTER + NODE.replace("= ocfs2", "= other"), 10, "name of the cluster stanza"),
        (CLUSTER + NODE.replace("\tcluster = ocfs2\n", ""), 5, "name of the cluster stanza"),
    ],
)
def test_bad_files(text: str, line: int, word: str) -> None:
    problems = parse_problems(text, "conf")
    assert (problems[0].line, problems[0].source) == (line, "conf")
    assert word in str(problems[0])
    with pytest.raises(ParseError, match=f"^conf:{line}: "):
        ClusterConf.parse(text, "conf")


def test_a_nameless_cluster_warns_of_the_crash() -> None:
    (problem, *_) = parse_problems("cluster:\n\tnode_count = 0\n")
    assert "SIGSEGV" in problem.hint


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("name", "vm1", 12),
        ("name", "VM1", 12),
        ("name", "vm1.example.com", 12),
        ("number", "0", 13),
        ("number", "00", 13),
        ("ip_address", "10.0.0.1", 14),
    ],
)
def test_nodes_differ(key: str, value: str, line: int) -> None:
    values = {"name": "vm2", "number": "1", "ip_address": "10.0.0.2", key: value}
    text = CLUSTER + NODE + "node:\n" + "".join(f"\t{k} = {v}\n" for k, v in values.items())
    (problem,) = parse_problems(text + "\tip_port = 7777\n\tcluster = ocfs2\n")
    assert problem.line == line
    assert f"a node {key} of its own" in str(problem)


def test_all_problems_are_gathered_in_order() -> None:
    text = CLUSTER.replace("ocfs2", "a_b") + NODE.replace("number = 0", "number = x")
    assert [problem.line for problem in parse_problems(text)] == [2, 7, 10]
    text = text.replace("\n", "\r\n")
    assert [problem.line for problem in parse_problems(text)] == [1, 2, 7, 10]


def test_a_lost_line_is_not_blamed_on_the_others() -> None:
    text = CLUSTER + NODE.replace("name =", "name") + "\tbad\n"
    assert [problem.line for problem in parse_problems(text)] == [6, 11]


def test_add_a_node_in_the_files_style() -> None:
    text = (
        "# pool 1\ncluster:\n  name=ocfs2\n  node_count= 1 \n  colour=red\n\n"
        "node:\n  number=0\n  name=vm1\n  rack=7\n# port\n  ip_port=7777\n"
        "  ip_address=10.0.0.1\n  cluster=ocfs2\n\nheartbeat:\n  cluster=ocfs2\n  region=X\n"
    )
    added = (
        "\nnode:\n  number=4\n  name=vm2\n  ip_port=7778\n  ip_address=10.0.0.2\n  cluster=ocfs2\n"
    )
    conf = ClusterConf.parse(text).with_node(Node("vm2", 4, "10.0.0.2", 7778))
    assert str(conf) == text.replace("= 1 ", "= 2 ").replace("\n\nheart", "\n" + added + "\nheart")
    assert conf.cluster.node("vm2") == Node("vm2", 4, "10.0.0.2", 7778)
    assert str(conf.without_node("vm2")) == text


def test_add_and_remove_in_the_white_papers_file() -> None:
    conf = ClusterConf.parse(WHITE_PAPER).with_node(VM3)
    assert str(conf) == format_cluster_conf(Cluster("ocfs2", (VM1, VM2, VM3)))
    assert str(conf.without_node(VM3.name)) == WHITE_PAPER
    assert conf.without_node(VM1.name).cluster.nodes == (VM2, VM3)


def test_add_the_first_node() -> None:
    text = "cluster:\n\tname = ocfs2\n\tnode_count = 0"
    conf = ClusterConf.parse(text).with_node(VM1)
    assert str(conf).startswith("cluster:\n\tname = ocfs2\n\tnode_count = 1\n\nnode:\n\tip_port")
    assert conf.without_node(VM1.name).cluster == ClusterConf.parse(text).cluster


def test_add_below_a_last_line_without_newline() -> None:
    conf = ClusterConf.parse((CLUSTER + NODE).rstrip("\n")).with_node(VM3)
    assert str(conf).endswith("\tcluster = ocfs2\n")
    assert conf.cluster.node(VM3.name) == VM3


def test_adding_what_is_there_changes_nothing() -> None:
    conf = ClusterConf.parse(WHITE_PAPER)
    assert conf.with_node(VM1) is conf


@pytest.mark.parametrize(
    "node",
    [
        Node(VM1.name, 5, "10.0.0.5"),
        Node("vm9", 0, "10.0.0.5"),
        Node("vm9", 5, VM1.ip_address),
        Node("vm9", 255, "10.0.0.5"),
        Node("vm 9", 5, "10.0.0.5"),
        Node("vm9\n\tnumber = 6", 5, "10.0.0.5"),
    ],
)
def test_a_bad_node_is_never_written(node: Node) -> None:
    with pytest.raises(ParseError):
        ClusterConf.parse(WHITE_PAPER).with_node(node)
    with pytest.raises(ParseError):
        format_cluster_conf(Cluster("ocfs2", (VM1, node)))


def test_remove_a_stranger() -> None:
    with pytest.raises(RefusedError, match="no node vm9"):
        ClusterConf.parse(WHITE_PAPER).without_node("vm9")


nodes = st.integers(0, 254).map(lambda n: Node(f"vm{n}", n, f"10.0.{n}.1", 7000 + n))


@given(st.lists(nodes, max_size=6, unique=True), st.sampled_from(["local", "global"]), nodes)
def test_format_and_parse_are_a_pair(several: list[Node], mode: str, extra: Node) -> None:
    cluster = Cluster("pool1", tuple(several), mode)
    conf = ClusterConf.parse(format_cluster_conf(cluster))
    assert conf.cluster == cluster
    assert same_meaning(conf, Cluster("pool1", tuple(reversed(several)), mode))
    if extra not in several:
        added = conf.with_node(extra)
        assert added.cluster.nodes == (*several, extra)
        assert added.without_node(extra.name).cluster == cluster


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    problems = parse_problems(text)
    assert problems or str(ClusterConf.parse(text)) == text


pieces = st.sampled_from(
    ["cluster:", "node:", "\tname = a", "\tnode_count = 1", "\tnumber = 1", "", "# c", " x=y", "\r"]
)


@given(st.lists(pieces, max_size=12))
def test_any_lines_are_judged(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert parse_problems(text) or str(ClusterConf.parse(text)) == text
