"""mkfs: the very words, for they destroy what was there."""

from __future__ import annotations

from typing import Any

import pytest

from ovstools.system import mkfs

UUID = "0123456789ABCDEF0123456789ABCDEF"
WHITE_PAPER: dict[str, Any] = {
    "uuid": UUID,
    "label": "ovs",
    "cluster_name": "ocfs2",
    "usage": None,
    "block_size": "4K",
    "cluster_size": "4K",
    "journal_size": "64M",
    "slots": 16,
    "timeout_s": 60,
}


@pytest.mark.parametrize(
    "changed, sizes",
    [
        ({}, "-b 4K -C 4K -J size=64M -N 16"),
        ({"usage": "vmstore"}, "-b 4K -T vmstore -C 4K -J size=64M -N 16"),
        ({"cluster_size": None, "journal_size": None, "slots": 4}, "-b 4K -N 4"),
    ],
)
def test_ocfs2(changed: dict[str, Any], sizes: str) -> None:
    command = mkfs.ocfs2("/dev/sdb1", **{**WHITE_PAPER, **changed})
    assert command.shell() == (
        f"mkfs.ocfs2 -x --cluster-stack=o2cb --cluster-name=ocfs2 -U {UUID} -L ovs {sizes} "
        "/dev/sdb1"
    )
    assert command.changes and command.timeout_s == 60 and command.ok == {0}
    assert not {"-F", "--force"} & set(command.argv)


def test_the_question_whether_it_would_fit_changes_nothing() -> None:
    command = mkfs.ocfs2("/dev/sdb1", **WHITE_PAPER)
    question = mkfs.dry_run(command)
    assert question.argv == ("mkfs.ocfs2", "-n", *command.argv[1:])
    assert not question.changes
    assert question.ok == {0, 1}


def test_ext4() -> None:
    command = mkfs.ext4("/dev/sda", UUID, "local", 60)
    assert command.shell() == (
        "mkfs.ext4 -q -F -O mmp -U 01234567-89ab-cdef-0123-456789abcdef -L local /dev/sda"
    )


def test_a_lost_word_never_makes_a_shorter_command() -> None:
    with pytest.raises(ValueError, match="empty word"):
        mkfs.ext4("", UUID, "local", 60)
    with pytest.raises(TypeError):
        mkfs.ocfs2(None, **WHITE_PAPER)  # type: ignore[arg-type]
