"""The pool's configuration: there and back, what is refused, and who is right."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ovstools.errors import OvsError, RefusedError
from ovstools.model.cluster import Cluster, Node
from ovstools.model.cluster_conf import format_cluster_conf
from ovstools.model.config_standing import (
    Own,
    Record,
    Standing,
    differences,
    format_record,
    judge,
    parse_record,
)
from ovstools.model.pool_config import (
    PoolConfig,
    fingerprint,
    format_config,
    parse_config,
    to_data,
)
from ovstools.model.repositories import Repository
from ovstools.model.timing import DEFAULT, FAST, Timing

A = Node("a.example.com", 0, "10.0.0.1")
B = Node("b.example.com", 1, "10.0.0.2")
C = Node("c.example.com", 2, "10.0.0.3")
UUID = "A" * 32


def pool(
    *nodes: Node, timing: Timing = DEFAULT, generation: int = 3, removed: tuple[Node, ...] = ()
) -> PoolConfig:
    return PoolConfig(
        format_cluster_conf(Cluster("ocfs2", nodes)),
        timing,
        (Repository(UUID, "/dev/disk/by-id/wwn-0x1 with blanks", True),),
        ((UUID, "commit=15"), ("DEFAULT ocfs2", "noatime")),
        removed,
        generation,
    )


def test_there_and_back() -> None:
    config = pool(A, B, removed=(C,))
    assert parse_config(format_config(config), "here") == config


WRONG: dict[str, str | dict[str, object]] = {
    "no JSON": "{",
    "no mapping": "[]",
    "nothing in it": "{}",
    "an older form": json.dumps({"format": "1"}),
    "a word for a number": {"generation": "3"},
    "a negative generation": {"generation": -1},
    "true for a number": {"generation": True},
    "a timing that o2cb would not take": {"timing": {"O2CB_HEARTBEAT_THRESHOLD": "2"}},
    "a timing that is no number": {"timing": {"O2CB_IDLE_TIMEOUT_MS": "soon"}},
    "a cluster.conf that crashes o2cb": {"cluster_conf": "cluster:\n\tnode_count = 0\n"},
    "no nodes": {"cluster_conf": "cluster:\n\tnode_count = 0\n\tname = x\n"},
    "a repository without UUID": {"repositories": ["- /dev/sdb1"]},
    "two lines in one": {"repositories": [f"{UUID} /dev/sdb1\n@{UUID} /dev/sdc1"]},
    "options of two words": {"options": {UUID: "noatime exec"}},
    "options of two lines": {"options": {UUID: "noatime\nx"}},
    "a key of two lines": {"options": {"/dev/a\n/dev/b": "noatime"}},
    "a removed node with a path for a name": {
        "removed": [{"name": "../x", "number": 1, "ip_address": "10.0.0.1", "ip_port": 1}]
    },
}


@pytest.mark.parametrize("case", WRONG)
def test_what_makes_no_sense_is_refused(case: str) -> None:
    wrong = WRONG[case]
    text = wrong if isinstance(wrong, str) else json.dumps({**to_data(pool(A, B)), **wrong})
    with pytest.raises(OvsError) as caught:
        parse_config(text, "the copy")
    assert isinstance(caught.value, RefusedError)


def test_a_newer_format_is_not_guessed_at() -> None:
    text = format_config(pool(A)).replace('"format": 1', '"format": 2')
    with pytest.raises(RefusedError, match="format 2; this ovstools knows 1"):
        parse_config(text, "the copy")


def test_meaning_counts_and_spelling_does_not() -> None:
    one = pool(A, B)
    other = replace(one, conf=one.conf.replace("\t", "    "), generation=9)
    assert one.is_same(other)
    assert fingerprint(one.cluster, DEFAULT) == fingerprint(other.cluster, DEFAULT)
    assert fingerprint(one.cluster, DEFAULT) != fingerprint(one.cluster, FAST)
    assert not one.is_same(pool(A, B, C)) and not one.is_same(pool(A, B, timing=FAST))


RECORD_2 = Record(2, fingerprint(Cluster("ocfs2", (A, B)), DEFAULT))
STANDINGS = {
    "the same": ((A, B), DEFAULT, None, pool(A, B), Standing.SAME),
    "the same, by another record": ((A, B), DEFAULT, Record(1, "f" * 32), pool(A, B),
                                    Standing.SAME),
    "a node came, no record": ((A, B), DEFAULT, None, pool(A, B, C), Standing.OLDER),
    "a node went, no record": ((A, B, C), DEFAULT, None, pool(A, B, removed=(C,)),
                               Standing.OLDER),
    "a node that nobody knows": ((A, B, C), DEFAULT, None, pool(A, B), Standing.EDITED),
    "another address": ((A, replace(B, ip_address="10.0.0.9")), DEFAULT, None, pool(A, B, C),
                        Standing.EDITED),
    "a node came, as recorded": ((A, B), DEFAULT, RECORD_2, pool(A, B, C), Standing.OLDER),
    "timing, as recorded": ((A, B), DEFAULT, RECORD_2, pool(A, B, timing=FAST), Standing.OLDER),
    "edited since": ((A, B), FAST, RECORD_2, pool(A, B), Standing.EDITED),
    "edited since, and the pool went on": ((A, B), FAST, RECORD_2, pool(A, B, C),
                                           Standing.EDITED),
    "edited since the newest": ((A, B), DEFAULT, Record(3, "f" * 32), pool(A, B, C),
                                Standing.EDITED),
    "a lower generation than ours": ((A, B), DEFAULT, RECORD_2, pool(A, B, C, generation=1),
                                     Standing.EDITED),
    "taken out": ((A, B, C), DEFAULT, None, pool(B, C, removed=(A,)), Standing.REMOVED),
    "taken out, whatever the record says": ((A, B), DEFAULT, RECORD_2, pool(B, removed=(A,)),
                                            Standing.REMOVED),
}  # fmt: skip


@pytest.mark.parametrize("case", STANDINGS)
def test_who_is_right(case: str) -> None:
    nodes, timing, record, config, expected = STANDINGS[case]
    own = Own(Cluster("ocfs2", nodes), timing, "a.example.com", record)
    assert judge(own, config) is expected


def test_another_cluster_is_never_older() -> None:
    own = Own(Cluster("other", (A, B)), DEFAULT, "a.example.com")
    assert judge(own, pool(A, B, C)) is Standing.EDITED
    assert "cluster other here, ocfs2 in the pool" in differences(own, pool(A, B))


def test_differences_name_nodes_and_timing() -> None:
    own = Own(Cluster("ocfs2", (A, B)), FAST, "a.example.com")
    assert differences(own, pool(A, C)) == [
        "node 1, b.example.com at 10.0.0.2:7777: here only",
        "node 2, c.example.com at 10.0.0.3:7777: in the pool only",
        "timing fast here, default in the pool",
    ]


def test_the_record_there_and_back() -> None:
    config = pool(A, B)
    assert parse_record(format_record(config)) == Record(3, config.fingerprint)


@pytest.mark.parametrize(
    "text", [None, "", "generation=3\n", "generation=x\nfingerprint=" + "f" * 32, "fingerprint=f\n"]
)
def test_what_is_no_record_counts_as_none(text: str | None) -> None:
    assert parse_record(text) is None
