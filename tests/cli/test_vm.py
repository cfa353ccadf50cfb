"""Whole command lines of `ovstools vm`, on the files of a pool under HA."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ovstools.ha.operating import carrying, guest_add, guest_clone
from ovstools.ha.operating.guest_source import Request
from ovstools.ha.operating.session import Session, begin
from ovstools.ha.operating.work import Work
from ovstools.ha.orders import Phase
from ovstools.ha.report import Local, Power
from ovstools.ha.wishes import Mark
from ovstools.model.owner_record import GuestState, OwnerRecord, format_record
from tests.cli.conftest import Shell
from tests.fakes.ha_pool import REPOSITORY, HaPool, disk_xml, domain_xml, uuid_of

pytestmark = pytest.mark.processes  # the pool file system is read in children


def record(state: GuestState, owner: str = "vmserver2") -> bytes:
    """Return an owner record."""
    return format_record(OwnerRecord("AA", owner, 1, "boot", "life", state))


def reports_rise(pool: HaPool, **guests: dict[str, Local]) -> None:
    """Let the agents report again and again, as they do."""
    for second in range(1, 30):
        for node in ("vmserver1", "vmserver2", "vmserver3"):
            here = guests.get(node)
            pool.after(second, lambda node=node, here=here: pool.report(node, here))  # type: ignore[misc]


# ---------------------------------------------------------------- list, show


def test_list_says_how_each_guest_is(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web")
    pool.runs("web", "vmserver2")
    pool.guest("db", state="ignored")
    pool.entry("db", Phase.IGNORED)
    pool.guest("bad", state="started")
    pool.entry("bad", Phase.ERROR, reason="crashed; gave up after vmserver1")
    (pool.folder / "guests/odd.yaml").write_text("format: 1\nname: [")
    answer = at_pool("ovstools vm list --json")
    found = {each["name"]: each for each in answer.json["guests"]}
    assert answer.status == 0
    assert {name: each["state"] for name, each in found.items()} == {
        "web": "running", "db": "ignored", "bad": "error", "odd": "ignored",
    }  # fmt: skip
    assert found["web"]["node"] == "vmserver2" and found["web"]["ha"] is True
    assert found["db"]["missing_switches"] == ["guest"]
    assert "ovstools vm start bad" in found["bad"]["way_out"]
    assert "its file cannot be used" in found["odd"]["reason"]
    table = at_pool("ovstools vm list").out.splitlines()
    assert table[0].split() == ["GUEST", "STATE", "SERVER", "HA", "MEMORY", "PRIORITY", "REASON"]
    assert table[2].split()[:5] == ["db", "ignored", "vmserver1", "off:", "guest"]


def test_show(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web", preferred_servers=(("vmserver1", "vmserver2"), ("vmserver3",)))
    pool.runs("web", "vmserver2")
    answer = at_pool("ovstools vm show web --json")
    assert answer.json["in_memory"] == ["vmserver2"]
    assert answer.json["file"]["preferred_servers"] == [["vmserver1", "vmserver2"], ["vmserver3"]]
    assert "in memory on" in at_pool("ovstools vm show web").out
    assert at_pool("ovstools vm show nobody").status == 4


# ---------------------------------------------------------------- set


def test_set_is_checked_by_the_files_readers(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web")
    text = pool.text("guests/web.yaml") + "# by hand\nx_y: 1\n"
    (pool.folder / "guests/web.yaml").write_text(text)
    answer = at_pool(
        "ovstools vm set web priority=7 preferred_servers=vmserver2,vmserver1 after=db"
    )
    assert answer.status == 0 and "there is no guest db under HA" in answer.err
    file = pool.file("web")
    assert (file.priority, file.preferred_servers) == (7, (("vmserver2", "vmserver1"),))
    assert [each.guest for each in file.after] == ["db"]
    assert pool.text("guests/web.yaml").endswith("# by hand\nx_y: 1\n")
    assert at_pool("ovstools vm set web priority=7").out == "web: already so\n"
    assert at_pool("ovstools vm set web priority= 'preferred_servers=[[vmserver1], [vmserver3]]'")
    assert pool.file("web").priority == 100
    assert pool.file("web").preferred_servers == (("vmserver1",), ("vmserver3",))


@pytest.mark.parametrize(
    "words, status, said",
    [
        ("prio=1", 2, "known: after cpu definition"),
        ("name=other", 2, "name is what the guest is known by"),
        ("uuid=" + "F" * 32, 2, "uuid is what the guest is known by"),
        ("preferred_server=a", 2, "perhaps preferred_servers is meant"),
        ("mem_mb=lots", 2, "mem_mb=lots: expected 1 to"),
        ("state=on", 2, "expected started or stopped or disabled or ignored"),
        ("state=", 2, "state has no default"),
        ("'after=[{guest: web}]'", 4, "other guests"),
        ("preferred_servers=vmserver1,vmserver1", 2, "each server once"),
        ("preferred_servers=vmserver9", 4, "there is no server vmserver9"),
        ("definition=/x", 4, "must be off to change definition"),
        ("hypervisor=xl", 4, "must be off to change hypervisor"),
        ("'mem_mb=1, x: 2'", 2, "mem_mb"),
    ],
)
def test_set_refuses(at_pool: Shell, pool: HaPool, words: str, status: int, said: str) -> None:
    pool.guest("web")
    pool.runs("web", "vmserver2")
    before = pool.texts()
    answer = at_pool(f"ovstools vm set web {words}")
    assert answer.status == status and said in answer.err, answer
    assert pool.texts() == before


# ---------------------------------------------------------------- start, stop, move


def test_start_waits_until_it_runs(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web", state="stopped")
    pool.entry("web", Phase.OFF)
    pool.answer_next("accepted")
    pool.after(2, lambda: pool.entry("web", Phase.STARTING, "vmserver3"))
    pool.after(3, lambda: pool.runs("web", "vmserver3"))
    pool.after(3.1, lambda: pool.answer_next("done: on vmserver3"))
    answer = at_pool("ovstools vm start web")
    assert (answer.status, answer.out) == (0, "web runs on vmserver3\n"), answer
    assert "web is starting: on vmserver3" in answer.err
    assert pool.file("web").state == "started"
    assert at_pool("ovstools vm start web --json").json == {
        "guest": "web", "node": "vmserver3", "changed": False, "status": 0,
    }  # fmt: skip


@pytest.mark.parametrize("words", ["stop web --timeout 30", "start web", "migrate web vmserver3",
                                   "relocate web vmserver2", "relocate web vmserver3"])  # fmt: skip
def test_a_guest_without_its_lock_is_refused_at_once(
    at_pool: Shell, pool: HaPool, words: str
) -> None:
    pool.guest("web")
    pool.entry("web", Phase.RUNNING, "vmserver2")
    pool.report("vmserver2", {"web": Local(Power.RUNNING, False)})
    before = pool.texts()
    answer = at_pool(f"ovstools vm {words}")
    assert answer.status == 4, answer
    assert "web is on vmserver2 without its lock: no order touches it" in answer.err
    assert "hint: try again then; if it stays so" in answer.err
    assert pool.texts() == before and list((pool.folder / "requests").iterdir()) == []
    listed = at_pool("ovstools vm list --json").json["guests"][0]
    assert listed["state"] == "unlocked" and "systemctl status ovs-locks" in listed["way_out"]
    assert at_pool("ovstools status").status == 3


@pytest.mark.parametrize(("is_proven", "boot", "status"),
                         [(True, "boot", 0), (False, "boot", 4), (True, "another", 4)])  # fmt: skip
def test_the_last_words_of_a_dead_server_count_no_longer(
    at_pool: Shell, pool: HaPool, is_proven: bool, boot: str, status: int
) -> None:
    """Unless its death is not proven, or it is another boot that says so."""
    pool.guest("web")
    pool.runs("web", "vmserver3")
    pool.lose("vmserver3", is_proven)
    pool.report("vmserver3", {"web": Local(Power.RUNNING, True)}, boot=boot)
    pool.runs("web", "vmserver2")
    pool.after(1, lambda: pool.entry("web", Phase.OFF, "vmserver2"))
    pool.after(1, lambda: pool.report("vmserver2"))
    stopped = at_pool("ovstools vm stop web --timeout 15")
    assert (stopped.status == 0) is (status == 0), stopped
    there = at_pool("ovstools vm show web --json").json["in_memory"]
    assert there == ([] if status == 0 else ["vmserver3"])
    assert at_pool("ovstools vm remove web").status == status


def test_a_request_that_waits_for_the_guest_says_so(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web")
    pool.entry("web", Phase.WAITING, "vmserver2", reason="it has failed", wait_s=300.0)
    answer = at_pool("ovstools vm relocate web vmserver1 --timeout 5")
    assert answer.status == 1 and "waiting for the master" not in answer.err, answer
    assert "not so after 5 s: it is to be settled first: web is waiting" in answer.err
    assert "it has failed" in answer.err and "`ovstools vm history web`" in answer.err


def test_start_says_why_not_and_the_way_out(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web", state="stopped")
    pool.entry("web", Phase.OFF)
    pool.answer_next("accepted")
    pool.after(2, lambda: pool.entry("web", Phase.WAITING, reason="no room for 9 MB"))
    answer = at_pool("ovstools vm start web")
    assert answer.status == 1 and "web is waiting on vmserver1: no room for 9 MB" in answer.err
    assert "hint: it starts by itself when there is room; `ovstools vm set web mem_mb" in answer.err
    assert pool.machine.clock.now < 1000 + 60, "it is not waited for in vain"


@pytest.mark.parametrize("line", ["start web", "stop web"])
def test_while_ha_is_off_nobody_would_do_it(at_pool: Shell, pool: HaPool, line: str) -> None:
    pool.guest("web", state="started" if "stop" in line else "stopped")
    assert at_pool("ovstools pool ha off").status == 0
    before = pool.texts()
    answer = at_pool(f"ovstools vm {line}")
    assert answer.status == 4 and "ovstools pool ha on" in answer.err
    assert pool.texts() == before


def test_a_marked_guest_is_not_started(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web", state="stopped", mark=Mark("backup", "vmserver2"))
    answer = at_pool("ovstools vm start web")
    assert answer.status == 4 and "ovstools vm set web mark=" in answer.err
    assert at_pool("ovstools vm set web mark=").status == 0
    assert pool.file("web").mark is None


def test_an_ignored_guest_is_looked_at_first(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web", state="ignored")
    pool.entry("web", Phase.IGNORED)
    pool.after(2, lambda: pool.entry("web", Phase.OFF))
    pool.after(3, lambda: pool.answer_next("done: on vmserver1"))
    assert at_pool("ovstools vm start web").status == 0


def test_stop_waits_until_it_is_off(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web")
    pool.runs("web", "vmserver2")
    pool.after(1, lambda: pool.entry("web", Phase.OFF, "vmserver2"))
    pool.after(4, lambda: pool.report("vmserver2"))
    answer = at_pool("ovstools vm stop web")
    assert (answer.status, answer.out) == (0, "web is off\n")
    assert pool.machine.clock.now >= 1004, "not before its server says so"
    assert at_pool("ovstools vm stop web").out == "web is already off\n"


def test_stop_that_takes_too_long_is_1_and_stands(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web")
    pool.runs("web", "vmserver2")
    answer = at_pool("ovstools vm stop web --timeout 3")
    assert answer.status == 1 and "web is running on vmserver2" in answer.err
    assert pool.file("web").state == "stopped"


@pytest.mark.parametrize("state", ["stopped", "started"])
def test_a_guest_that_is_off_is_moved_and_stays_off(
    at_pool: Shell, pool: HaPool, state: str
) -> None:
    """Also one that is wanted, and was shut down from inside."""
    pool.guest("web", state=state)
    pool.entry("web", Phase.OFF, halted=True)
    pool.answer_next("done: it will start there")
    pool.after(1, lambda: pool.entry("web", Phase.OFF, "vmserver2", halted=True))
    answer = at_pool("ovstools vm migrate web vmserver2")
    assert answer.out == "web stays off; its next start is on vmserver2\n"


def test_move_asks_the_master(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web")
    pool.runs("web", "vmserver2")
    assert at_pool("ovstools vm migrate web vmserver2").out == "web already runs on vmserver2\n"
    pool.answer_next("refused: vmserver3: no room for 9 MB")
    answer = at_pool("ovstools vm relocate web vmserver3")
    assert answer.status == 4 and "the master refuses: vmserver3: no room for 9 MB" in answer.err
    pool.machine.clock.later.clear()
    assert at_pool("ovstools vm migrate web vmserver3 --no-wait").status == 0
    (request,) = (pool.folder / "requests").iterdir()
    values = json.loads(request.read_text())
    assert [values[key] for key in ("verb", "guest", "node")] == ["migrate", "web", "vmserver3"]
    before = pool.texts()
    preview = at_pool("ovstools vm migrate web vmserver3 --dry-run")
    assert "# ask the master: migrate web vmserver3" in preview.out and pool.texts() == before


def test_answered_requests_that_nobody_waits_for_go(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web")
    pool.runs("web", "vmserver2")
    old = pool.folder / "requests/old.json"
    old.write_text(
        '{"format": 1, "uid": "old", "verb": "migrate", "guest": "web", "node": "vmserver3", '
        '"by": "vmserver2 7", "time": "2026-01-01T00:00:00.000Z"}'
    )
    pool.change_orders(answers={"old": "accepted"})
    assert at_pool("ovstools vm migrate web vmserver3 --no-wait").status == 0
    assert old.exists(), "it is under way"
    pool.change_orders(answers={"old": "failed: it is off"})
    assert at_pool("ovstools vm migrate web vmserver3 --no-wait").status == 0
    assert not old.exists()


# ---------------------------------------------------------------- remove


def test_remove(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web", state="stopped")
    pool.entry("web", Phase.OFF)
    lock = pool.folder / "locks/guest-web"
    lock.write_bytes(record(GuestState.STOPPED))
    (pool.folder / "rules.yaml").write_text("format: 1\nrules: [{apart: [web, db]}]\n")
    answer = at_pool("ovstools vm remove web")
    assert answer.status == 0 and "rules.yaml names it: apart db web" in answer.err
    assert not (pool.folder / "guests/web.yaml").exists()
    assert lock.read_bytes() == record(GuestState.STOPPED), "the lock file stays as it is"


@pytest.mark.parametrize(
    "how, said",
    [
        ("wanted", "its file says started"),
        ("running", "it is in memory on vmserver2"),
        ("kept", "its lock is held on vmserver2"),
        ("on its way", "the master has it as waiting"),
        ("locked", "the lock of web is held"),
        ("unproven", "its owner record says running on vmserver2"),
    ],
)
def test_remove_refuses_what_may_not_be_off(
    at_pool: Shell, pool: HaPool, how: str, said: str
) -> None:
    import fcntl

    pool.guest("web", state="started" if how == "wanted" else "stopped")
    lock = pool.folder / "locks/guest-web"
    lock.touch()
    with lock.open("r+b") as held:
        if how == "running":
            pool.report("vmserver2", {"web": Local(Power.PAUSED, False)})
        elif how == "kept":
            pool.report("vmserver2", {"web": Local(Power.CRASHED, True)})
        elif how == "on its way":
            pool.entry("web", Phase.WAITING)
        elif how == "locked":
            fcntl.flock(held, fcntl.LOCK_EX)
        elif how == "unproven":
            lock.write_bytes(record(GuestState.RUNNING))
        answer = at_pool("ovstools vm remove web")
    assert answer.status == 4 and said in answer.err, answer
    assert (pool.folder / "guests/web.yaml").exists()


def test_a_guest_whose_server_is_proven_dead_can_be_removed(at_pool: Shell, pool: HaPool) -> None:
    pool.guest("web", state="stopped")
    (pool.folder / "locks/guest-web").write_bytes(record(GuestState.RUNNING))
    pool.entry("web", Phase.OFF)  # the master says so with proof only
    assert at_pool("ovstools vm remove web").status == 0


# ---------------------------------------------------------------- add


def in_libvirt(pool: HaPool, name: str, *disks: str, **changes: str) -> None:
    """Let libvirt on this server have a domain."""
    uuid = changes.pop("uuid", uuid_of(name))
    pool.machine.domains[name] = {
        "xml": domain_xml(name, *disks, uuid=uuid), "state": "shut off", "autostart": "disable",
        "saved": "no", **changes,
    }  # fmt: skip


def test_add_from_libvirt(at_pool: Shell, pool: HaPool) -> None:
    image = pool.image("web/System.img")
    in_libvirt(pool, "web", disk_xml(image), autostart="enable")
    reports_rise(pool)
    answer = at_pool("ovstools vm add web --from-libvirt web --connect qemu:///system "
                     "--preferred vmserver2 --preferred vmserver3")  # fmt: skip
    assert answer.status == 0, answer
    file = pool.file("web")
    path = pool.repository / "running_pool/web/vm.xml"
    assert file.definition == str(path) and path.read_text() == domain_xml("web", disk_xml(image))
    assert (file.uuid, file.mem_mb, file.cpu, file.kind) == (uuid_of("web"), 256, 2.0, "vm")
    assert (file.state, file.mark, file.repository) == ("stopped", None, REPOSITORY)
    assert (file.home, file.preferred_servers) == ("vmserver2", (("vmserver2", "vmserver3"),))
    assert "its autostart is switched off" in answer.err
    assert pool.machine.domains == {}, "it is defined wherever it is started"
    again = at_pool("ovstools vm add web --from-libvirt web")
    assert again.status == 0 and "already under HA" in again.out


def test_a_name_that_is_taken_is_refused_and_the_same_guest_is_not(
    at_pool: Shell, pool: HaPool
) -> None:
    in_libvirt(pool, "web", disk_xml(pool.image("web/a.img")))
    reports_rise(pool)
    line = "ovstools vm add web"
    assert at_pool(f"{line} --from-libvirt web --connect qemu:///system").status == 0
    there = Path(pool.file("web").definition)
    copy = pool.machine.root / "copy.xml"
    copy.write_text(there.read_text())
    for path in (there, copy, pool.machine.root / "gone.xml"):
        again = at_pool(f"{line} {path}")
        assert (again.status, "already under HA" in again.out) == (0, True), again
    copy.write_text(there.read_text().replace("memory", "currentMemory"))
    assert at_pool(f"{line} {copy}").status == 0, "the same UUID: the same guest"
    other = pool.machine.root / "other.xml"
    other.write_text(domain_xml("web", uuid=uuid_of("other")))
    process = pool.machine.root / "other.yaml"
    process.write_text("command: [/bin/sleep, '1']\n")
    in_libvirt(pool, "web", uuid=uuid_of("other"))
    before, domains = pool.texts(), json.dumps(pool.machine.domains)
    for words in (f"{other} --in-place", str(other), f"{process} --in-place", "--from-libvirt web"):
        refused = at_pool(f"{line} {words}")
        assert refused.status == 4, (words, refused)
        assert "web is the name of another guest under HA" in refused.err
    assert (pool.texts(), json.dumps(pool.machine.domains)) == (before, domains)


def test_a_domain_that_runs_here_is_taken_over(at_pool: Shell, pool: HaPool) -> None:
    in_libvirt(pool, "web", disk_xml(pool.image("web/a.img")), state="running")
    reports_rise(pool, vmserver1={"web": Local(Power.RUNNING, False)})
    line = "ovstools vm add web --from-libvirt web --connect qemu:///system"
    assert at_pool(f"{line} --state stopped").status == 4
    answer = at_pool(line)
    assert answer.status == 0 and "taken over as it runs" in answer.err
    assert (pool.file("web").state, pool.file("web").home) == ("started", "vmserver1")
    assert "web" in pool.machine.domains


def test_a_definition_in_a_repository_is_used_where_it_is(at_pool: Shell, pool: HaPool) -> None:
    image = pool.image("web/System.img")
    path = pool.image("web/mine.cfg")
    path.write_text(f"name = 'web'\nmemory = 512\nvcpus = 2\ndisk = ['file:{image},xvda,w']\n")
    reports_rise(pool)
    answer = at_pool(f"ovstools vm add web {path}")
    assert answer.status == 0, answer
    file = pool.file("web")
    assert (file.definition, file.hypervisor, file.mem_mb) == (str(path), "xl", 512)


def test_a_definition_that_is_not_there_is_named_as_that(at_pool: Shell, pool: HaPool) -> None:
    path = pool.machine.root / "nosuch.xml"
    answer = at_pool(f"ovstools vm add web {path}")
    assert answer.status == 4 and f"{path}: it is missing" in answer.err, answer
    assert pool.texts() == {}


def test_a_definition_without_uuid_gets_one_for_good(at_pool: Shell, pool: HaPool) -> None:
    source = pool.machine.root / "web.xml"
    source.write_text(domain_xml("web", disk_xml(pool.image("web/a.img")), uuid=""))
    reports_rise(pool)
    assert at_pool(f"ovstools vm add web {source}").status == 0
    text = Path(pool.file("web").definition).read_text()
    plain = pool.file("web").uuid.lower()
    assert len(plain) == 32 and f"{plain[:8]}-{plain[8:12]}-" in text


@pytest.mark.parametrize(
    "how, status, said",
    [
        ("managed save", 4, "managedsave-remove web"),
        ("outside", 4, "is in no repository: other servers could not start the guest"),
        ("missing image", 4, "a file that the guest needs is not there"),
        ("same image", 4, "db uses"),
        ("same image by a link", 4, "db uses"),
        ("same uuid", 4, "db has the same UUID"),
        ("other name", 4, "the definition is of other, not of web"),
        ("no domain", 4, "libvirt on this server has no domain web"),
        ("libvirt is down", 4, "has no domain web"),
        ("their definition is gone", 4, "the definition of db cannot be read"),
        ("runs elsewhere", 4, "web runs on vmserver2"),
        ("silent", 4, "vmserver3 cannot be asked whether web runs there"),
        ("lost", 4, "vmserver3 cannot be asked whether web runs there"),
        ("two sources", 2, "and not both"),
        ("no source", 2, "and not both"),
        ("bad name", 2, "the name of a guest"),
        ("long name", 2, "at most 249 letters, not 250"),
    ],
)
def test_add_refuses_and_changes_nothing(
    at_pool: Shell, pool: HaPool, how: str, status: int, said: str
) -> None:
    image = pool.image("web/System.img")
    outside = pool.machine.root / "outside.img"
    outside.touch()
    used = {"outside": outside, "missing image": "/nowhere/x.img"}.get(how, image)
    saved = "yes" if how == "managed save" else "no"
    in_libvirt(pool, "web", disk_xml(used), saved=saved)
    words = "web --from-libvirt web --connect qemu:///system"
    if how in ("same image", "same image by a link", "same uuid", "their definition is gone"):
        other = pool.guest("db", state="stopped")
        theirs = pool.repository / "link.img"
        theirs.symlink_to(image)
        path = {"same image": image, "same image by a link": theirs}.get(how)
        Path(other.definition).write_text(domain_xml("db", disk_xml(path) if path else ""))
        if how == "same uuid":
            pool.guest("db", uuid=uuid_of("web"))
        elif how == "their definition is gone":
            Path(other.definition).unlink()
    elif how == "other name":
        pool.machine.domains["web"]["xml"] = domain_xml("other")
    elif how == "no domain":
        del pool.machine.domains["web"]
    elif how == "libvirt is down":
        pool.machine.libvirt_fails = "error: failed to connect"
    elif how == "silent":
        pool.age_report("vmserver3", 300)
    elif how == "lost":
        pool.lose("vmserver3", is_proven=False)
    elif how == "two sources":
        words += " /etc/x.xml"
    elif how == "no source":
        words = "web"
    elif how == "long name":
        words = words.replace("web --from", f"{'w' * 250} --from")
    elif how == "bad name":
        words = words.replace("web --from", "../web --from")
    if how == "runs elsewhere":
        reports_rise(pool, vmserver2={"web": Local(Power.RUNNING, False)})
    elif how not in ("silent", "lost"):
        reports_rise(pool)
    before, domains = pool.texts(), json.dumps(pool.machine.domains)
    answer = at_pool(f"ovstools vm add {words}")
    assert answer.status == status and said in answer.err, answer
    assert pool.texts() == before, "not even a reservation stays"
    assert json.dumps(pool.machine.domains) == domains
    assert not (pool.repository / "running_pool/web/vm.xml").exists()


def test_who_is_dead_need_not_be_asked(at_pool: Shell, pool: HaPool) -> None:
    in_libvirt(pool, "web", disk_xml(pool.image("web/a.img")))
    pool.lose("vmserver3")
    reports_rise(pool)
    assert at_pool("ovstools vm add web --from-libvirt web --connect qemu:///system").status == 0


def test_images_may_be_shared_where_both_say_so(at_pool: Shell, pool: HaPool) -> None:
    image = pool.image("shared.img")
    other = pool.guest("db", state="stopped")
    Path(other.definition).write_text(domain_xml("db", disk_xml(image, "<shareable/>")))
    in_libvirt(pool, "web", disk_xml(image))
    reports_rise(pool)
    line = "ovstools vm add web --from-libvirt web --connect qemu:///system"
    assert at_pool(line).status == 4
    in_libvirt(pool, "web", disk_xml(image, "<shareable/>"))
    assert at_pool(line).status == 0


def test_dry_run_of_add_shows_all_and_does_nothing(at_pool: Shell, pool: HaPool) -> None:
    in_libvirt(pool, "web", disk_xml(pool.image("web/a.img")), autostart="enable")
    before, domains = pool.texts(), json.dumps(pool.machine.domains)
    answer = at_pool(
        "ovstools vm add web --from-libvirt web --connect qemu:///system --state started --dry-run"
    )
    assert answer.status == 0
    for line in (
        f"+++ {pool.repository}/running_pool/web/vm.xml",
        "# verify: no other server of the pool runs web",
        "virsh --connect qemu:///system autostart --disable web",
        "-state: ignored\n+state: started",
        "virsh --connect qemu:///system undefine --keep-nvram --keep-tpm web",
    ):
        assert line in answer.out, line
    assert (pool.texts(), json.dumps(pool.machine.domains)) == (before, domains)
    assert pool.machine.commands == []


# ---------------------------------------------------------------- killed between two steps


class Killed(BaseException):
    """Stands for kill -9: nothing of ours catches it."""


def killed_before(pool: HaPool, make_work: object, step: int) -> bool:
    """Carry out a command up to a step, and no further; False: it has no more steps."""
    count = 0
    session = begin(pool.machine.host(settings=pool.settings))

    def stopping(session: Session) -> Work:
        work: Work = make_work(session)  # type: ignore[operator]
        for each in work.steps:
            change = each.change
            apply = type(change).apply

            def counted(session: Session, change: object = change, apply: object = apply) -> None:
                nonlocal count
                if count == step:
                    raise Killed
                count += 1
                apply(change, session)  # type: ignore[operator]

            object.__setattr__(change, "apply", counted)
        return work

    try:
        carrying.carry_out(stopping, session, 0, True)
    except Killed:
        return True
    return False


@pytest.mark.slow
def test_add_killed_at_any_step_is_finished_by_the_same_command(
    at_pool: Shell, pool: HaPool
) -> None:
    request = Request("web", domain="web", uri="qemu:///system")
    for step in range(10):
        in_libvirt(pool, "web", disk_xml(pool.image("web/a.img")), autostart="enable", uuid="")
        reports_rise(pool)
        is_cut = killed_before(pool, lambda s: guest_add.plan(s, request), step)
        if not is_cut:
            break
        if "guests/web.yaml" in pool.texts():
            state, mark = pool.file("web").state, pool.file("web").mark
            assert (mark is None) == (state != "ignored"), "no agent touches what is half done"
        reports_rise(pool)
        answer = at_pool("ovstools vm add web --from-libvirt web --connect qemu:///system")
        assert answer.status == 0, (step, answer)
        file = pool.file("web")
        assert (file.state, file.mark) == ("stopped", None)
        assert file.uuid.lower()[:8] in Path(file.definition).read_text()
        (pool.folder / "guests/web.yaml").unlink()
        Path(file.definition).unlink()
        assert pool.machine.domains == {}
    assert step == 7, "make, write, reserve, ask, autostart, put, forget"


def clonable(pool: HaPool) -> Path:
    """Return the image of a guest that is off."""
    image = pool.image("web/System.img")
    iso = pool.image("cd.iso")
    web = pool.guest("web", state="stopped", priority=7)
    mac = "    <interface type='bridge'><mac address='52:54:00:00:00:01'/></interface>\n"
    disks = disk_xml(image) + disk_xml(iso, "<readonly/>") + mac
    Path(web.definition).write_text(domain_xml("web", disks))
    pool.entry("web", Phase.OFF)
    return image


@pytest.mark.slow
def test_clone_killed_at_any_step_is_finished_by_the_same_command(
    at_pool: Shell, pool: HaPool
) -> None:
    clonable(pool)
    copy = pool.repository / "running_pool/copy"
    for step in range(12):
        if not killed_before(pool, lambda s: guest_clone.plan(s, "web", "copy"), step):
            break
        if "guests/copy.yaml" in pool.texts():
            assert pool.file("copy").mark == Mark("create", "vmserver1")
        answer = at_pool("ovstools vm clone web copy")
        assert answer.status == 0, (step, answer)
        assert (copy / "System.img").read_text() == "content of web/System.img"
        assert sorted(path.name for path in copy.iterdir()) == ["System.img", "vm.xml"]
        assert pool.file("copy").mark is None
        (pool.folder / "guests/copy.yaml").unlink()
        for path in copy.iterdir():
            path.unlink()
    assert step == 7


# ---------------------------------------------------------------- clone


def test_a_clone_is_a_guest_of_its_own(at_pool: Shell, pool: HaPool) -> None:
    image = clonable(pool)
    answer = at_pool("ovstools vm clone web copy --json")
    assert answer.status == 0, answer
    web, copy = pool.file("web"), pool.file("copy")
    target = pool.repository / "running_pool/copy/System.img"
    assert answer.json["images"] == {str(image): str(target)}
    assert copy.uuid != web.uuid and copy.priority == 7
    assert (copy.state, copy.home, copy.mark) == ("stopped", "vmserver1", None)
    text = Path(copy.definition).read_text()
    assert "<name>copy</name>" in text and str(target) in text and str(image) not in text
    assert "cd.iso" in text, "what is only read is read by both"
    assert "52:54:00:00:00:01" not in text and "52:54:00:" in text
    reflink = [line for line in pool.machine.commands if line.startswith("cp ")]
    assert reflink == [
        f"cp --archive --reflink=auto --no-target-directory -- {image} {target}.partial"
    ]
    assert at_pool("ovstools vm clone web copy").status == 4


@pytest.mark.parametrize(
    "how, said",
    [
        ("runs", "web must be off to be cloned"),
        ("locked", "the lock of web is held"),
        ("marked", "web is marked backup by vmserver2"),
        ("utility", "on vmserver2: ovstools vm clone web copy"),
        ("taken", "there is a guest copy already"),
        ("being added", "there is a guest copy already"),
        ("in the way", "System.img is there already"),
        ("device", "only files in a repository are copied"),
    ],
)
def test_clone_refuses_and_changes_nothing(
    at_pool: Shell, pool: HaPool, how: str, said: str
) -> None:
    import fcntl

    clonable(pool)
    (pool.folder / "locks/guest-web").touch()
    with (pool.folder / "locks/guest-web").open("r+b") as held:
        if how == "runs":
            pool.report("vmserver2", {"web": Local(Power.RUNNING, True)})
        elif how == "locked":
            fcntl.flock(held, fcntl.LOCK_EX)
        elif how == "marked":
            pool.guest("web", state="stopped", mark=Mark("backup", "vmserver2"))
        elif how == "utility":
            assert at_pool("ovstools pool set utility=vmserver2").status == 0
        elif how == "taken":
            pool.guest("copy", state="stopped")
        elif how == "being added":
            pool.guest("copy", state="ignored", mark=Mark("create", "vmserver2"))
        elif how == "in the way":
            pool.image("copy/System.img")
        elif how == "device":
            disk = "<disk type='block'><source dev='/dev/null'/></disk>"
            Path(pool.file("web").definition).write_text(domain_xml("web", disk))
        before = pool.texts()
        answer = at_pool("ovstools vm clone web copy")
    assert answer.status in (4, 1) and said in answer.err, answer
    if how != "locked":
        assert answer.status == 4 and pool.texts() == before
    else:
        assert pool.file("copy").mark is not None, "reserved; the same command goes on"
