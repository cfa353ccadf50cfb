"""iscsiadm: the very words, and what its statuses mean."""

from __future__ import annotations

import pytest

from ovstools.errors import ToolError
from ovstools.model.command import Command, Result
from ovstools.model.iscsi import Portal, TargetPortal
from ovstools.system import iscsiadm
from tests.fakes.machine import FakeMachine

AT = TargetPortal("iqn.2001-04.com.example:pool", Portal("10.1.1.1"), 5)
V6 = TargetPortal("iqn.2001-04.com.example:pool", Portal("2001:db8::10"))
NODE = "iscsiadm --mode node --targetname iqn.2001-04.com.example:pool"


@pytest.mark.parametrize(
    "command, words",
    [
        (
            iscsiadm.discovery(AT.portal, 9),
            "iscsiadm --mode discovery --op nonpersistent --type sendtargets "
            "--portal 10.1.1.1:3260",
        ),
        (iscsiadm.show_records(), "iscsiadm --mode node --op show"),
        (iscsiadm.new_record(AT), f"{NODE} --portal 10.1.1.1:3260,5 --op new"),
        (iscsiadm.new_record(V6), f"{NODE} --portal '[2001:db8::10]:3260' --op new"),
        (
            iscsiadm.update_record(AT, "node.startup", "automatic"),
            f"{NODE} --portal 10.1.1.1:3260,5 --op update --name node.startup --value automatic",
        ),
        (iscsiadm.delete_record(AT), f"{NODE} --portal 10.1.1.1:3260,5 --op delete"),
        (iscsiadm.login(AT, 9), f"{NODE} --portal 10.1.1.1:3260,5 --login"),
        (iscsiadm.logout(3, 9), "iscsiadm --mode session --sid 3 --logout"),
        (iscsiadm.rescan(3, 9), "iscsiadm --mode session --sid 3 --rescan"),
    ],
)
def test_words(command: Command, words: str) -> None:
    assert command.shell() == words


def test_what_is_fine() -> None:
    assert iscsiadm.login(AT, 9).ok == {0, 15}, "a session that is there"
    assert iscsiadm.delete_record(AT).ok == {0, 21}
    assert iscsiadm.show_records().ok == {0, 21}
    assert iscsiadm.logout(3, 9).ok == {0}
    assert not iscsiadm.discovery(AT.portal, 9).changes


@pytest.mark.parametrize(
    "status, said, hint",
    [
        (4, "no connection", "address"),
        (8, "no answer in time", "network"),
        (19, "refused the log-in", "initiatorname.iscsi"),
        (19, "mutual CHAP", "password_in"),
        (20, "iscsid does not answer", "systemctl status"),
        (24, "CHAP", "--chap-file"),
    ],
)
def test_statuses_are_explained(machine: FakeMachine, status: int, said: str, hint: str) -> None:
    machine.fails["iscsiadm"] = Result(status, "", "iscsiadm: some words\n")
    with pytest.raises(ToolError, match=f"log-in: .*{said}.*status {status}") as caught:
        iscsiadm.run(machine.host(), iscsiadm.login(AT, 9), "log-in")
    assert "iscsiadm: some words" in caught.value.evidence
    assert hint in caught.value.hint


def test_another_status_shows_what_it_said(machine: FakeMachine) -> None:
    machine.fails["iscsiadm"] = Result(6, "", "iscsiadm: Could not lock discovery DB\n")
    with pytest.raises(ToolError, match="exited with status 6"):
        iscsiadm.read_records(machine.host())
    machine.fails["iscsiadm"] = Result(21, "", "iscsiadm: No records found\n")
    assert iscsiadm.read_records(machine.host()) == ()
