"""ocfs2_hb_ctl's command lines and answer."""

from __future__ import annotations

import pytest

from ovstools.errors import ToolError
from ovstools.model.command import Result
from ovstools.system import hb_ctl
from tests.fakes.machine import FakeMachine

U = "0123456789ABCDEF0123456789ABCDEF"


def test_commands() -> None:
    assert hb_ctl.start("/dev/sdb1", "ovs").argv == ("ocfs2_hb_ctl", "-S", "-d", "/dev/sdb1", "ovs")
    assert hb_ctl.stop(U, "ovs").argv == ("ocfs2_hb_ctl", "-K", "-u", U, "ovs")
    assert hb_ctl.set_priority(U, 0).argv == ("ocfs2_hb_ctl", "-P", "-u", U, "-n", "0")
    assert not hb_ctl.info(U).changes


@pytest.mark.parametrize(
    "said, refs",
    [
        (f"{U}: 0 refs\n", 0),
        (f"{U}: 12 refs\n", 12),
        (f"{U.lower()}: 1 refs\n", 1),
        ("", None),
        (f"{U}: many refs\n", None),
        (f"{U[::-1]}: 1 refs\n", None),
    ],
)
def test_references(machine: FakeMachine, said: str, refs: int | None) -> None:
    machine.fails["ocfs2_hb_ctl"] = Result(0, said)
    if refs is None:
        with pytest.raises(ToolError, match="did not say how many references"):
            hb_ctl.read_refs(machine.host(), U)
    else:
        assert hb_ctl.read_refs(machine.host(), U) == refs
