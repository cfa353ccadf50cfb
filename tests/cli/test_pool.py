"""Whole command lines of `ovstools pool`, on the files of a pool under HA."""

from __future__ import annotations

import json

import pytest

from ovstools.ha.orders import Phase
from ovstools.model import sealed_block
from tests.cli.conftest import Answer, Shell
from tests.fakes.ha_pool import NODES, HaPool

pytestmark = pytest.mark.processes  # the pool file system is read in children

WITH_ALL = "format: 1\nuuid: 0004FB0000050000B705A7C1F2E34D56\n# why\nmax_starts: 2 # two\nx: 1\n"


def test_show(at_pool: Shell, pool: HaPool) -> None:
    answer = at_pool("ovstools pool show --json")
    assert answer.status == 0
    assert answer.json["master"] == "vmserver1"
    assert answer.json["servers"] == dict.fromkeys(NODES, "online")
    assert answer.json["uuid"] is None and answer.json["policy"]["ha"] is True
    assert "no pool.yaml yet" in at_pool("ovstools pool show").out


def test_the_first_change_makes_the_file(at_pool: Shell, pool: HaPool) -> None:
    assert at_pool("ovstools pool set max_starts=2").status == 0
    first = pool.text("pool.yaml")
    assert first.startswith("format: 1\nuuid: ") and first.endswith("max_starts: 2\n")
    assert at_pool("ovstools pool set drain=30").status == 0
    assert pool.text("pool.yaml") == first + "drain: 30\n", "the same pool"


def test_a_change_keeps_what_is_not_meant(at_pool: Shell, pool: HaPool) -> None:
    (pool.folder / "pool.yaml").write_text(WITH_ALL)
    assert at_pool("ovstools pool set max_starts=3 utility=vmserver2").status == 0
    expected = WITH_ALL.replace("max_starts: 2 #", "max_starts: 3 #") + "utility: vmserver2\n"
    assert pool.text("pool.yaml") == expected
    assert at_pool("ovstools pool set max_starts=3").out == "already so: max_starts=3\n"
    assert at_pool("ovstools pool set max_starts=").status == 0
    assert "max_starts" not in pool.text("pool.yaml")


@pytest.mark.parametrize(
    "words, status, said",
    [
        ("max_starts=0", 2, "max_starts=0: expected 1 to 1000"),
        ("max_start=1", 2, "known: drain freeze_max max_starts"),
        ("max_starts", 2, "is not KEY=VALUE"),
        ("max_starts=1 max_starts=2", 2, "given twice"),
        ("uuid=0004FB0000050000B705A7C1F2E34D57", 2, "there is no key 'uuid'"),
        ("ha=off", 2, "ovstools pool ha on|off"),
        ("maintenance=vmserver1", 2, "ovstools pool maintenance"),
        ("utility=vmserver9", 4, "servers: vmserver1 vmserver2 vmserver3"),
        ("stale=1", 2, "seconds, a plain number from 5"),
    ],
)
def test_what_is_wrong_changes_nothing(
    at_pool: Shell, pool: HaPool, words: str, status: int, said: str
) -> None:
    answer = at_pool(f"ovstools pool set {words}")
    assert answer.status == status and said in answer.err, answer
    assert pool.texts() == {}


def test_dry_run_is_a_diff_and_nothing_else(at_pool: Shell, pool: HaPool) -> None:
    (pool.folder / "pool.yaml").write_text(WITH_ALL)
    answer = at_pool("ovstools pool set max_starts=3 --dry-run")
    assert answer.status == 0
    assert f"--- {pool.folder}/pool.yaml\n" in answer.out
    assert "-max_starts: 2 # two\n+max_starts: 3 # two\n" in answer.out
    assert pool.text("pool.yaml") == WITH_ALL
    assert not (pool.folder / "locks/config").exists(), "not even a lock"
    steps = at_pool("ovstools pool ha off --dry-run --json").json["steps"]
    assert [step["title"] for step in steps] == ["switch HA off (freeze) for the pool"]


def test_an_unreadable_file_is_not_edited(at_pool: Shell, pool: HaPool) -> None:
    (pool.folder / "pool.yaml").write_text("format: 2\nuuid: x\n")
    answer = at_pool("ovstools pool set drain=1")
    assert answer.status == 4 and "format 2" in answer.err
    assert "upgrade ovstools" in answer.err
    assert pool.text("pool.yaml") == "format: 2\nuuid: x\n"


def test_ha_on_and_off(at_pool: Shell, pool: HaPool) -> None:
    assert at_pool("ovstools pool ha on").out == "HA was already on\n"
    assert pool.texts() == {}, "it is on by default"
    off = at_pool("ovstools pool ha off --ignore")
    assert (off.status, off.out) == (0, "HA is off (ignore)\n")
    assert "o2cb goes on to fence" in off.err
    assert pool.text("pool.yaml").endswith("ha: off\nha_off: ignore\n")
    assert at_pool("ovstools pool ha off --freeze --json").json["changed"] is True
    assert at_pool("ovstools pool ha on").out == "HA is on\n"


def test_another_command_holds_the_lock(at_pool: Shell, pool: HaPool) -> None:
    import fcntl

    path = pool.folder / "locks/config"
    block = sealed_block.seal("ovs-config", 1, {"node": "vmserver3", "pid": "4711"})
    with path.open("wb") as file:
        file.write(block)
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        begun = pool.machine.clock.now
        answer = at_pool("ovstools pool set drain=1 --lock-wait 10")
        assert answer.status == 5, answer
        assert "taken last on vmserver3 by pid 4711" in answer.err
        assert 10 <= pool.machine.clock.now - begun < 11
    assert at_pool("ovstools pool set drain=1").status == 0
    assert b"node=vmserver1" in path.read_bytes(), "the next one learns who has it"


# ---------------------------------------------------------------- maintenance


def test_maintenance_waits_for_the_guests(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web", home="vmserver2")
    pool.runs("web", "vmserver2")
    pool.after(2, lambda: pool.runs("web", "vmserver3"))
    answer = at_pool("ovstools pool maintenance on vmserver2")
    assert (answer.status, answer.out) == (0, "vmserver2 is in maintenance\n")
    assert "still on vmserver2: web (running)" in answer.err
    assert pool.text("pool.yaml").endswith("maintenance: [vmserver2]\n")
    assert at_pool("ovstools pool maintenance on vmserver1 --no-wait").status == 0
    assert pool.text("pool.yaml").endswith("maintenance: [vmserver1, vmserver2]\n")
    assert at_pool("ovstools pool maintenance off vmserver2").status == 0
    assert pool.text("pool.yaml").endswith("maintenance: [vmserver1]\n")
    out = at_pool("ovstools pool maintenance off vmserver2").out
    assert out == "vmserver2 was already out of maintenance\n"


def test_who_cannot_leave_is_named_and_not_waited_for(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web", home="vmserver2", policy="manual", preferred_servers=(("vmserver2",),))
    pool.runs("web", "vmserver2")
    answer = at_pool("ovstools pool maintenance on vmserver2 --json")
    assert answer.status == 0
    assert list(answer.json["stay"]) == ["web"] and "policy manual" in answer.json["stay"]["web"]


def test_a_drain_that_takes_too_long_is_1(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web", home="vmserver2")
    pool.runs("web", "vmserver2")
    answer = at_pool("ovstools pool maintenance on vmserver2 --timeout 5")
    assert answer.status == 1 and "not so after 5 s: still on vmserver2: web" in answer.err


# ---------------------------------------------------------------- the master


def test_hand_over(at_pool: Shell, pool: HaPool) -> None:
    assert at_pool("ovstools pool master").out == "vmserver1\n"
    pool.answer_next("done: vmserver2 is the master")
    answer = at_pool("ovstools pool master vmserver2")
    assert (answer.status, answer.out) == (0, "vmserver2 is the master\n")
    assert list((pool.folder / "requests").iterdir()) == []


@pytest.mark.parametrize(
    "text, status, said",
    [
        ("refused: vmserver2 is silent", 4, "the master refuses: vmserver2 is silent"),
        ("failed: vmserver2 has not taken it", 1, "the master says: vmserver2 has not taken it"),
    ],
)
def test_the_masters_answer_is_ours(
    at_pool: Shell, pool: HaPool, text: str, status: int, said: str
) -> None:
    pool.answer_next(text)
    answer = at_pool("ovstools pool master vmserver2")
    assert answer.status == status and said in answer.err
    assert list((pool.folder / "requests").iterdir()) == [], "removed all the same"


def test_nobody_answers(at_pool: Shell, pool: HaPool) -> None:
    answer = at_pool("ovstools pool master vmserver2 --timeout 7")
    assert answer.status == 1 and "waiting for the master (vmserver1)" in answer.err
    assert list((pool.folder / "requests").iterdir()) == [], "withdrawn"
    assert at_pool("ovstools pool master vmserver2 --no-wait").status == 0
    (left,) = (pool.folder / "requests").iterdir()
    values = json.loads(left.read_text())
    assert (values["verb"], values["node"], values["by"].split()[0]) == (
        "master", "vmserver2", "vmserver1",
    )  # fmt: skip


def test_there_is_no_master(at_pool: Shell, pool: HaPool) -> None:
    pool.lose("vmserver1")
    answer = at_pool("ovstools pool master")
    assert answer.status == 4 and "the last one was vmserver1, which is dead" in answer.err


@pytest.mark.parametrize(
    "words, said",
    [
        ("ha off --freeze --ignore", "either --freeze or --ignore"),
        ("master vmserver2 --timeout nan", "'nan' is no number of seconds"),
        ("master vmserver2 --timeout inf", "'inf' is no number of seconds"),
        ("ha on --lock-wait nan", "'nan' is no number of seconds"),
    ],
)
def test_words_that_contradict_or_have_no_end(
    at_pool: Shell, pool: HaPool, words: str, said: str
) -> None:
    before = pool.texts()
    answer = at_pool(f"ovstools pool {words}")
    assert answer.status == 2 and said in answer.err, answer
    assert pool.texts() == before


# ---------------------------------------------------------------- export, import


def test_export_and_import(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web")
    (pool.folder / "pool.yaml").write_text(WITH_ALL)
    document = pool.machine.root / "document"
    document.write_text(at_pool("ovstools pool export").out)
    assert at_pool(f"ovstools pool import {document}").out == "already so\n"
    pool.guest("other")
    before = pool.text("guests/web.yaml")
    (pool.folder / "guests/web.yaml").unlink()
    ours = WITH_ALL.replace("D56", "D57")
    (pool.folder / "pool.yaml").write_text(ours.replace("starts: 2", "starts: 9"))
    answer = at_pool(f"ovstools pool import {document}")
    assert (answer.status, answer.out) == (0, "changed: guests/web.yaml pool.yaml\n")
    assert "guests/other.yaml stays" in answer.err
    assert pool.text("guests/web.yaml") == before
    assert pool.text("pool.yaml").replace("'", "") == ours, "its UUID is its own"


@pytest.mark.parametrize(
    "files, said",
    [
        ({"guests/a.yaml": "format: 1\n"}, "guests/a.yaml: "),
        ({"../x": "format: 1\n"}, "../x: expected pool.yaml"),
        ({"guests/../../x.yaml": ""}, "expected pool.yaml"),
        ({"orders.json": "{}"}, "expected pool.yaml"),
        ({"rules.yaml": 7}, "expected a text"),
        (None, "this is no output"),
        ([], "files: expected each file's name and its text, found []"),
        ({"rules.yaml": "format: 1\nrules: 7\n"}, "rules.yaml: "),
    ],
)
def test_nothing_is_imported_from_a_bad_document(
    at_pool: Shell, pool: HaPool, files: object, said: str
) -> None:
    good = {"pool.yaml": WITH_ALL}
    files = {**good, **files} if isinstance(files, dict) else files
    head = {"kind": "ovs-pool", "format": 1}
    content = [1] if files is None else {**head, "files": files}
    document = pool.machine.root / "document"
    document.write_text(json.dumps(content))
    answer = at_pool(f"ovstools pool import {document}")
    assert answer.status == 2 and said in answer.err, answer
    assert pool.texts() == {}


def test_a_rule_of_an_unknown_guest_is_named(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("here")
    text = pool.text("guests/here.yaml").replace("here", "comes")
    rules = "format: 1\nrules:\n- apart: [here, comes, nosuch]\n"
    files = {"guests/comes.yaml": text, "rules.yaml": rules}
    document = pool.machine.root / "document"
    document.write_text(json.dumps({"kind": "ovs-pool", "format": 1, "files": files}))
    answer = at_pool(f"ovstools pool import {document}")
    assert answer.status == 0 and answer.err.count("no such guest under HA") == 1, answer
    assert "rules.yaml names nosuch (apart)" in answer.err


def test_no_guest_is_imported_whose_home_is_no_server_here(at_pool: Shell, pool: HaPool) -> None:
    """It would wait for that server for ever: nothing proves that it is dead."""
    pool.guest("here")
    text = pool.text("guests/here.yaml")
    assert f"home: {NODES[0]}" in text
    elsewhere = text.replace("name: here", "name: comes").replace(NODES[0], "nowhere")
    document = pool.machine.root / "document"

    def bring_in(**texts: str) -> Answer:
        files = {f"guests/{name}.yaml": each for name, each in texts.items()}
        document.write_text(json.dumps({"kind": "ovs-pool", "format": 1, "files": files}))
        return at_pool(f"ovstools pool import {document}")

    before = pool.texts()
    answer = bring_in(comes=elsewhere)
    assert answer.status == 4 and "nowhere, its home, is no server of this pool" in answer.err
    assert NODES[0] in answer.err and pool.texts() == before
    moved = text.replace(NODES[0], "nowhere")
    assert bring_in(here=moved).status == 4 and pool.texts() == before
    (pool.folder / "guests/here.yaml").write_text(moved)
    assert bring_in(here=moved).out == "already so\n", "it was so before"


def test_import_puts_no_guest_in_the_place_of_another(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web")
    document = pool.machine.root / "document"
    document.write_text(at_pool("ovstools pool export").out)
    pool.guest("web", uuid="F" * 32)
    pool.runs("web", "vmserver2")
    before = pool.texts()
    answer = at_pool(f"ovstools pool import {document}")
    assert answer.status == 4 and "web is another guest in the document" in answer.err
    assert pool.texts() == before
    pool.entry("web", Phase.OFF)
    pool.report("vmserver2")
    assert at_pool(f"ovstools pool import {document}").status == 0


# ---------------------------------------------------------------- no pool


def test_a_server_without_a_pool(shell: Shell) -> None:
    for line in ("pool show", "vm list", "why x", "what-if", "vm set a state=started"):
        answer = shell(f"ovstools {line}")
        assert answer.status == 4 and "no cluster root is mounted at /OVS" in answer.err, line


def test_below_a_root_there_is_no_pool(root_shell: Shell, tmp_path: object) -> None:
    answer = root_shell(f"ovstools vm list --root {tmp_path}")
    assert answer.status == 4 and "with --root there is no pool" in answer.err
