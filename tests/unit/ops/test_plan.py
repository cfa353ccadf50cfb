"""Plans: what they say before, what they do, and what a refusal midway is."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field

import pytest

from ovstools.errors import BusyError, OvsError, RefusedError, ToolError
from ovstools.model.command import Command
from ovstools.ops.plan import (
    Change,
    Confirm,
    Edit,
    MakeDirectory,
    MakeLink,
    Plan,
    Run,
    Step,
    apply,
    edit_step,
    folder_of,
)
from ovstools.system.host import Host
from tests.fakes.machine import FakeMachine

LIST = "/etc/ovs/repositories"


@dataclass(frozen=True)
class Note:
    """A change that notes what is asked of it, and fails as it is told."""

    name: str
    notes: list[str] = field(compare=False)
    preflight_error: OvsError | None = None
    error: OvsError | None = None

    def preview(self) -> str:
        """Return its name."""
        return self.name

    def preflight(self, host: Host) -> None:
        """Note it."""
        self.notes.append(f"preflight {self.name}")
        if self.preflight_error:
            raise self.preflight_error

    def apply(self, host: Host) -> None:
        """Note it."""
        self.notes.append(f"apply {self.name}")
        if self.error:
            raise self.error


# ---------------------------------------------------------------- previews


@pytest.mark.parametrize(
    "before, after, diff",
    [
        ("a\nb\n", "a\nc\n", "--- F\n+++ F\n@@ -1,2 +1,2 @@\n a\n-b\n+c"),
        (None, "a\n", "--- /dev/null\n+++ F\n@@ -0,0 +1 @@\n+a"),
        ("a\n", None, "--- F\n+++ /dev/null\n@@ -1 +0,0 @@\n-a"),
        (
            "a",
            "a\n",
            "--- F\n+++ F\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a",
        ),
        (
            "a\n",
            "a\nb",
            "--- F\n+++ F\n@@ -1 +1,2 @@\n a\n+b\n\\ No newline at end of file",
        ),
        ("a\n\n", "a\n", "--- F\n+++ F\n@@ -1,2 +1 @@\n a\n-"),
        ("a\fb\n", "a\fc\n", "--- F\n+++ F\n@@ -1 +1 @@\n-a\fb\n+a\fc"),
        ("a\r\n", "b\r\n", "--- F\n+++ F\n@@ -1 +1 @@\n-a\r\n+b\r"),
        ("", "a\n", "--- F\n+++ F\n@@ -0,0 +1 @@\n+a"),
    ],
)
def test_an_edit_is_a_unified_diff(before: str | None, after: str | None, diff: str) -> None:
    assert Edit("F", before, after).preview() == diff


def test_an_edit_of_nothing_is_no_diff() -> None:
    assert Edit("F", "a\n", "a\n").preview() == ""


def test_previews_can_be_pasted() -> None:
    changes: dict[Change, str] = {
        Run(Command(("mount", "/dev/a b", "/OVS"))): "mount '/dev/a b' /OVS",
        MakeDirectory("/OVS/a b", 0o700): "mkdir -p -m 700 '/OVS/a b'",
        MakeLink("/usr/lib/ovs/x", "/opt/a b/x"): "ln -s '/opt/a b/x' /usr/lib/ovs/x",
        Confirm("it is so", lambda host: None): "# verify: it is so",
    }
    for change, preview in changes.items():
        assert change.preview() == preview


def test_a_plan_is_read_like_a_script() -> None:
    plan = Plan((Step("one", Note("first", [])), Step("two", Note("second", []))))
    assert plan.preview() == "# one\nfirst\n# two\nsecond"
    assert Plan().preview() == ""


def test_confirmations_are_equal_when_they_ask_the_same() -> None:
    assert Confirm("q", lambda host: None) == Confirm("q", lambda host: None)
    assert Confirm("q", print) != Confirm("r", print)


def test_edit_step() -> None:
    assert edit_step("t", "F", "same", "same") == []
    assert edit_step("t", "F", None, "") == [Step("t", Edit("F", None, ""))]
    assert edit_step("t", "F", "a", "b", 0o600) == [Step("t", Edit("F", "a", "b", 0o600))]


@pytest.mark.parametrize("path, folder", [("/a/b", "/a"), ("/a", "/"), ("/a/b/", "/a")])
def test_folder_of(path: str, folder: str) -> None:
    assert folder_of(path) == folder


# ---------------------------------------------------------------- changes


def test_edits(machine: FakeMachine) -> None:
    host = machine.host()
    Edit(LIST, None, "new\n", 0o600).apply(host)
    assert machine.read(LIST) == "new\n"
    assert stat.S_IMODE((machine.root / LIST[1:]).stat().st_mode) == 0o600
    Edit(LIST, "new\n", "newer\n").apply(host)
    assert machine.read(LIST) == "newer\n"
    Edit(LIST, "newer\n", None).apply(host)
    assert host.kind(LIST) == "missing"
    Edit(LIST, None, None).apply(host)


@pytest.mark.parametrize("after", ["other\n", None])
def test_an_edit_of_a_changed_file_is_refused(machine: FakeMachine, after: str | None) -> None:
    machine.write(LIST, "theirs\n")
    for before in (None, "ours\n"):
        if before is None and after is None:
            continue
        with pytest.raises(RefusedError, match="changed by somebody else"):
            Edit(LIST, before, after).apply(machine.host())
    assert machine.read(LIST) == "theirs\n"


def test_an_edit_below_another_root_stays_there(machine: FakeMachine) -> None:
    machine.write("/srv/list", "old\n")
    (machine.root / "etc/ovs").mkdir()
    (machine.root / LIST[1:]).symlink_to("/srv/list")
    host = machine.host(offline=True)
    edit = Edit(LIST, "old\n", "new\n")
    edit.preflight(host)
    edit.apply(host)
    assert machine.read("/srv/list") == "new\n"
    assert (machine.root / LIST[1:]).is_symlink()


def test_edit_and_link_look_for_room_first(machine: FakeMachine) -> None:
    machine.write("/etc/ovs", "a file is in the way")
    for change in (Edit(LIST, None, "x"), MakeLink(f"{LIST}-link", "x")):
        with pytest.raises(RefusedError, match="Not a directory"):
            change.preflight(machine.host())
    Run(Command(("x",))).preflight(machine.host())
    MakeDirectory(LIST).preflight(machine.host())
    Confirm("q", print).preflight(machine.host())


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_directory_has_the_mode_that_the_preview_says(machine: FakeMachine, umask: int) -> None:
    old = os.umask(umask)
    try:
        MakeDirectory("/OVS/a/b", 0o750).apply(machine.host())
    finally:
        os.umask(old)
    assert stat.S_IMODE((machine.root / "OVS/a/b").stat().st_mode) == 0o750
    MakeDirectory("/OVS/a/b", 0o777).apply(machine.host())
    assert stat.S_IMODE((machine.root / "OVS/a/b").stat().st_mode) == 0o750, "it was there"


def test_a_directory_where_a_file_is(machine: FakeMachine) -> None:
    with pytest.raises(RefusedError, match=r"cannot write .*fstab: Not a directory"):
        MakeDirectory("/etc/fstab").apply(machine.host())


def test_links(machine: FakeMachine) -> None:
    link = MakeLink("/usr/lib/ovs/ovs-makerepo", "/usr/bin/ovs-makerepo")
    link.preflight(machine.host())
    link.apply(machine.host())
    assert os.readlink(machine.root / "usr/lib/ovs/ovs-makerepo") == "/usr/bin/ovs-makerepo"
    with pytest.raises(RefusedError, match="File exists"):
        link.apply(machine.host())


def test_runs_and_confirms(machine: FakeMachine) -> None:
    Run(Command(("modprobe", "ocfs2"))).apply(machine.host())
    assert machine.commands == ["modprobe ocfs2"]
    seen: list[Host] = []
    Confirm("q", seen.append).apply(host := machine.host())
    assert seen == [host]


# ---------------------------------------------------------------- apply


def steps(*changes: Note | Confirm) -> Plan:
    return Plan(tuple(Step(f"step {number}", change) for number, change in enumerate(changes, 1)))


def test_all_preflights_come_before_the_first_change(machine: FakeMachine) -> None:
    notes: list[str] = []
    apply(steps(Note("a", notes), Note("b", notes)), machine.host())
    assert notes == ["preflight a", "preflight b", "apply a", "apply b"]
    assert machine.said.getvalue() == "ovstools: step 1\novstools: step 2\n"


def test_a_preflight_that_refuses_changes_nothing(machine: FakeMachine) -> None:
    notes: list[str] = []
    plan = steps(Note("a", notes), Note("b", notes, preflight_error=RefusedError("full")))
    with pytest.raises(RefusedError, match="full"):
        apply(plan, machine.host())
    assert not any(note.startswith("apply") for note in notes)
    assert machine.said.getvalue() == ""


def test_a_refusal_of_the_first_step_is_one(machine: FakeMachine) -> None:
    with pytest.raises(RefusedError, match="no"):
        apply(steps(Note("a", [], error=RefusedError("no"))), machine.host())


def test_a_refusal_after_a_change_is_a_failure(machine: FakeMachine) -> None:
    refusal = RefusedError("no", "evidence", hint="way out")
    plan = steps(Note("a", []), Note("b", []), Note("c", [], error=refusal), Note("d", []))
    with pytest.raises(ToolError) as caught:
        apply(plan, machine.host())
    error = caught.value
    assert error.what == "step 3: no"
    assert error.evidence == ("evidence", "done before: step 1; step 2")
    assert error.hint == "way out"
    assert error.__cause__ is refusal


def test_a_failure_midway_names_a_way_out(machine: FakeMachine) -> None:
    with pytest.raises(ToolError, match="step 2: no") as caught:
        apply(steps(Note("a", []), Note("b", [], error=RefusedError("no"))), machine.host())
    assert "run the command again" in caught.value.hint


def test_what_only_looked_changed_nothing(machine: FakeMachine) -> None:
    plan = steps(Confirm("q", lambda host: None), Note("b", [], error=RefusedError("no")))
    with pytest.raises(RefusedError, match="no"):
        apply(plan, machine.host())


@pytest.mark.parametrize("error", [ToolError("broken"), BusyError("busy")])
def test_other_errors_are_what_they_are(machine: FakeMachine, error: OvsError) -> None:
    notes: list[str] = []
    plan = steps(Note("a", notes), Note("b", notes, error=error), Note("c", notes))
    with pytest.raises(type(error)) as caught:
        apply(plan, machine.host())
    assert caught.value is error
    assert "apply c" not in notes
