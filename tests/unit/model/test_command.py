from __future__ import annotations

from typing import Any

import pytest

from ovstools.model.command import Command, Result


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        ((), TypeError),
        (["mkfs.ocfs2", "/dev/sdb1"], TypeError),
        (("mkfs.ocfs2", None), TypeError),
        (("mkfs.ocfs2", False), TypeError),
        (("mkfs.ocfs2", 16), TypeError),
        (("mkfs.ocfs2", b"/dev/sdb1"), TypeError),
        (("mkfs.ocfs2", ""), ValueError),
        (("mkfs.ocfs2", "/dev/sd\0b1"), ValueError),
    ],
)
def test_a_lost_word_never_vanishes(argv: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Command(argv)


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan")])
def test_there_is_always_a_time_limit(timeout_s: float) -> None:
    with pytest.raises(ValueError, match="timeout_s"):
        Command(("true",), timeout_s=timeout_s)


def test_shell_can_be_pasted() -> None:
    command = Command(("mkfs.ocfs2", "-L", "cluster root", "/dev/sdb1"))
    assert command.shell() == "mkfs.ocfs2 -L 'cluster root' /dev/sdb1"
    assert command.program == "mkfs.ocfs2"


def test_commands_are_values() -> None:
    assert Command(("true",)) == Command(("true",))
    assert len({Command(("true",)), Command(("true",)), Command(("false",))}) == 2
    assert Result(0) == Result(0, "", "")
