"""QEMU through libvirt: each job as the conversation with virsh that it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ovstools.ha.hypervisors.domain_definition import parse_definition, same_uuid
from ovstools.ha.hypervisors.libvirt import Libvirt
from ovstools.ha.hypervisors.protocol import NOT_INSTALLED, TIMED_OUT, Outcome, Unknown
from ovstools.ha.report import Power
from ovstools.model.command import Result
from ovstools.system import head, virsh
from tests.unit.ha.hypervisors.talk import NAP, OK, Expected, StillClock, Vm, converse, failed
from tests.unit.model.captured import captured

URI = "qemu:///system"
KEY = "/etc/ovs/ssh/id_ed25519"
GUEST = Vm()
XML = f"<domain><name>web1</name><uuid>{GUEST.uuid}</uuid></domain>"
DOWN = failed("error: failed to connect to the hypervisor\nerror: Failed to connect socket\n")


def shown(case: str) -> Expected:
    """Expect a look at all domains, with a captured answer."""
    return virsh.domstats(URI), Result(0, captured("virsh", f"domstats-{case}"))


RUNNING, ABSENT, SUSPENDED, CRASHED, SHUT_DOWN, MIGRATED = map(
    shown, ("two", "none", "suspended", "crashed", "shutdown", "migrated")
)
#: of `two`, web1 runs and web2 was never started


def libvirt(clock: StillClock | None = None) -> Libvirt:
    """Return the one that has answered for long."""
    found = Libvirt(URI, KEY, clock or StillClock())
    converse(found.look(), [ABSENT, NAP, ABSENT])
    return found


# ---------------------------------------------------------------- look


def test_one_call_shows_all() -> None:
    found = converse(libvirt().look(), [RUNNING])
    assert found == {"web1": Power.RUNNING, "web2": Power.CRASHED}


def test_its_first_answer_is_asked_for_again() -> None:
    """An answer in libvirtd's first seconds is unknown, not absent (rule 9)."""
    hypervisor = Libvirt(URI)
    found = converse(hypervisor.look(), [ABSENT, NAP, RUNNING])
    assert found["web1"] is Power.RUNNING
    assert converse(hypervisor.look(), [CRASHED]) == {"web1": Power.CRASHED}


def test_after_an_interruption_as_well() -> None:
    hypervisor = libvirt()
    found = converse(hypervisor.look(), [(virsh.domstats(URI), DOWN)])
    assert found == Unknown(
        "error: failed to connect to the hypervisor; error: Failed to connect socket"
    )
    assert converse(hypervisor.look(), [ABSENT, NAP, CRASHED]) == {"web1": Power.CRASHED}


@pytest.mark.parametrize(
    "result, reason",
    [
        (Result(TIMED_OUT), "no answer in time"),
        (Result(NOT_INSTALLED), "the program is not installed"),
        (Result(3), "exit status 3"),
        (Result(0, "Domain: 'web1'\n"), "virsh domstats: no state of 'web1'"),
    ],
)
def test_anything_odd_is_unknown(result: Result, reason: str) -> None:
    found = converse(libvirt().look(), [(virsh.domstats(URI), result)])
    assert found == Unknown(reason)


# ---------------------------------------------------------------- start

READ = (head.read(GUEST.definition), Result(0, XML))
DEFINE = (virsh.define(URI, GUEST.definition), OK)
NO_AUTOSTART = (virsh.no_autostart(URI, "web1"), OK)
INFO = (virsh.dominfo(URI, "web1"), Result(0, captured("virsh", "dominfo")))
SAVED = (virsh.dominfo(URI, "web1"), Result(0, captured("virsh", "dominfo-saved")))
DEFINED = (READ, DEFINE, NO_AUTOSTART, INFO)


def test_start() -> None:
    script = [ABSENT, *DEFINED, (virsh.start(URI, "web1"), OK)]
    assert converse(libvirt().start(GUEST), script) == Outcome(True)


def test_start_over_what_ended() -> None:
    script = [CRASHED, *DEFINED, (virsh.start(URI, "web1"), OK)]
    assert converse(libvirt().start(GUEST), script) == Outcome(True)


@pytest.mark.parametrize("look, ok", [(RUNNING, True), (SUSPENDED, False)])
def test_what_is_here_is_not_started(look: Expected, ok: bool) -> None:
    outcome = converse(libvirt().start(GUEST), [look])
    assert outcome == Outcome(ok, "web1 is here already")


def test_start_needs_an_answer() -> None:
    outcome = converse(libvirt().start(GUEST), [(virsh.domstats(URI), Result(TIMED_OUT))])
    assert outcome == Outcome(False, "no answer in time")


def test_a_managed_save_image_is_refused() -> None:
    outcome = converse(libvirt().start(GUEST), [ABSENT, READ, DEFINE, NO_AUTOSTART, SAVED])
    assert not outcome.ok
    assert "virsh -c qemu:///system managedsave-remove web1" in outcome.text


@pytest.mark.parametrize(
    "xml, reason",
    [
        (XML.replace("web1", "web2"), "it defines web2, not web1"),
        (XML.replace("7c3c", "7c3d"), f"its UUID is 7c3d{GUEST.uuid[4:]}, not {GUEST.uuid}"),
        ("<domain><name>web1</name></domain>", f"its UUID is missing, not {GUEST.uuid}"),
        ("<domain><name/></domain>", "expected <domain> with a <name>, found <domain>"),
        ("<network><name>web1</name></network>", "found <network>"),
        ("name = 'web1'", "no XML"),
        ("", "no XML"),
    ],
)
def test_a_definition_of_another_guest_is_not_touched(xml: str, reason: str) -> None:
    script = [ABSENT, (head.read(GUEST.definition), Result(0, xml))]
    outcome = converse(libvirt().start(GUEST), script)
    assert not outcome.ok
    assert outcome.text.startswith("/OVS/running_pool/web1/vm.xml: ")
    assert reason in outcome.text


@pytest.mark.parametrize("position", range(4))
def test_a_failure_before_the_start_ends_it(position: int) -> None:
    command, _ = DEFINED[position]
    script = [ABSENT, *DEFINED[:position], (command, failed("error: no such thing\n"))]
    assert converse(libvirt().start(GUEST), script) == Outcome(False, "error: no such thing")


@pytest.mark.parametrize("look, ok", [(RUNNING, True), (CRASHED, False), (ABSENT, False)])
def test_what_counts_is_what_runs(look: Expected, ok: bool) -> None:
    """Virsh's deadline ends virsh, and libvirtd goes on."""
    script = [ABSENT, *DEFINED, (virsh.start(URI, "web1"), Result(TIMED_OUT)), look]
    assert converse(libvirt().start(GUEST), script).ok is ok


def test_a_guest_without_uuid_takes_any() -> None:
    script = [ABSENT, *DEFINED, (virsh.start(URI, "web1"), OK)]
    assert converse(libvirt().start(replace(GUEST, uuid="")), script) == Outcome(True)


def test_definitions() -> None:
    assert parse_definition(XML).uuid == GUEST.uuid
    assert same_uuid(GUEST.uuid.upper().replace("-", ""), GUEST.uuid)


# ---------------------------------------------------------------- stop

SHUTDOWN = (virsh.shutdown(URI, "web1"), OK)
GRACEFUL = (virsh.destroy(URI, "web1", True), OK)
FORCED = (virsh.destroy(URI, "web1", False), OK)
UNHEARD = (virsh.destroy(URI, "web1", True), failed("error: Failed to terminate process"))
DESTROYED = shown("destroyed")


def test_stop_waits_for_the_guest() -> None:
    script = [RUNNING, SHUTDOWN, RUNNING, NAP, RUNNING, NAP, SHUT_DOWN]
    assert converse(libvirt().stop(GUEST, 60), script) == Outcome(True)


def test_stop_loses_patience() -> None:
    clock = StillClock()
    hypervisor = libvirt(clock)
    script = [RUNNING, SHUTDOWN, RUNNING, NAP, RUNNING, NAP, RUNNING, NAP, RUNNING, GRACEFUL]
    outcome = converse(hypervisor.stop(GUEST, 2.5), [*script, DESTROYED], clock)
    assert outcome == Outcome(True)
    assert clock.now == 102.5


def test_stop_kills_at_last() -> None:
    script = [RUNNING, SHUTDOWN, RUNNING, UNHEARD, RUNNING, FORCED, DESTROYED]
    assert converse(libvirt().stop(GUEST, 0), script) == Outcome(True)


def test_a_paused_guest_is_not_asked() -> None:
    script = [SUSPENDED, GRACEFUL, DESTROYED]
    assert converse(libvirt().stop(GUEST, 60), script) == Outcome(True)


def test_a_guest_that_cannot_be_asked_is_not_waited_for() -> None:
    unasked = (virsh.shutdown(URI, "web1"), failed("error: not supported"))
    script = [RUNNING, unasked, RUNNING, GRACEFUL, DESTROYED]
    assert converse(libvirt().stop(GUEST, 60), script) == Outcome(True)


@pytest.mark.parametrize("look", [ABSENT, CRASHED, SHUT_DOWN])
def test_what_is_off_is_stopped(look: Expected) -> None:
    assert converse(libvirt().stop(GUEST, 60), [look]) == Outcome(True)


def test_what_does_not_die_is_not_stopped() -> None:
    unkilled = (virsh.destroy(URI, "web1", False), failed("error: Device or resource busy"))
    script = [RUNNING, SHUTDOWN, RUNNING, UNHEARD, RUNNING, unkilled, RUNNING]
    outcome = converse(libvirt().stop(GUEST, 0), script)
    assert outcome == Outcome(False, "error: Device or resource busy")


def test_no_answer_is_no_end() -> None:
    script = [RUNNING, SHUTDOWN, (virsh.domstats(URI), DOWN)]
    assert not converse(libvirt().stop(GUEST, 0), script).ok


# ---------------------------------------------------------------- migrate

ELSEWHERE = "qemu+ssh://root@vmserver2.example.com/system?keyfile=/etc/ovs/ssh/id_ed25519&no_tty=1"
MIGRATE = virsh.migrate(URI, "web1", ELSEWHERE, 3600)
TO = "vmserver2.example.com"


def test_migrate() -> None:
    assert converse(libvirt().migrate(GUEST, TO), [(MIGRATE, OK), MIGRATED]) == Outcome(True)


def test_a_guest_that_was_never_defined_goes_without_a_trace() -> None:
    assert converse(libvirt().migrate(GUEST, TO), [(MIGRATE, OK), ABSENT]) == Outcome(True)


def test_it_went_although_virsh_did_not_see_it() -> None:
    script = [(MIGRATE, failed("error: connection reset")), MIGRATED]
    assert converse(libvirt().migrate(GUEST, TO), script) == Outcome(True)


def test_a_migration_that_takes_too_long_is_aborted() -> None:
    script = [(MIGRATE, Result(TIMED_OUT)), RUNNING, (virsh.abort_job(URI, "web1"), OK), RUNNING]
    outcome = converse(libvirt().migrate(GUEST, TO), script)
    assert outcome == Outcome(False, "no answer in time")


def test_a_guest_that_crashed_meanwhile_did_not_go() -> None:
    script = [(MIGRATE, failed("error: domain is not running")), CRASHED]
    outcome = converse(libvirt().migrate(GUEST, TO), script)
    assert outcome == Outcome(False, "error: domain is not running")


# ---------------------------------------------------------------- pause, forget


def test_suspend_and_resume() -> None:
    hypervisor = libvirt()
    assert converse(hypervisor.suspend(GUEST), [(virsh.suspend(URI, "web1"), OK)]).ok
    assert converse(hypervisor.resume(GUEST), [(virsh.resume(URI, "web1"), OK)]).ok


def test_what_is_so_already_is_done() -> None:
    no = failed("error: domain is already so")
    hypervisor = libvirt()
    script = [(virsh.suspend(URI, "web1"), no), SUSPENDED]
    assert converse(hypervisor.suspend(GUEST), script) == Outcome(True)
    script = [(virsh.resume(URI, "web1"), no), SUSPENDED]
    assert converse(hypervisor.resume(GUEST), script) == Outcome(
        False, "error: domain is already so"
    )


UNDEFINE = virsh.undefine(URI, "web1", ("--keep-nvram", "--keep-tpm"))
UNDEFINE_OLD = virsh.undefine(URI, "web1", ("--keep-nvram",))
NO_OPTION = failed("error: command 'undefine' doesn't support option --keep-tpm")
SHOW = virsh.dumpxml(URI, "web1")


def test_forget() -> None:
    assert converse(libvirt().forget(GUEST), [CRASHED, (UNDEFINE, OK)]) == Outcome(True)


def test_who_is_unknown_is_forgotten() -> None:
    assert converse(libvirt().forget(GUEST), [ABSENT]) == Outcome(True)


@pytest.mark.parametrize("look", [RUNNING, SUSPENDED, shown("migrating")])
def test_who_is_here_is_not_forgotten(look: Expected) -> None:
    assert converse(libvirt().forget(GUEST), [look]) == Outcome(False, "web1 is still here")


def test_an_older_virsh_keeps_what_it_can() -> None:
    script = [CRASHED, (UNDEFINE, NO_OPTION), (SHOW, Result(0, XML)), (UNDEFINE_OLD, OK)]
    assert converse(libvirt().forget(GUEST), script) == Outcome(True)


@pytest.mark.parametrize(
    "shows", [Result(0, "<domain><devices><tpm model='tpm-crb'/></devices></domain>"), Result(1)]
)
def test_an_older_virsh_would_delete_a_tpm(shows: Result) -> None:
    script = [CRASHED, (UNDEFINE, NO_OPTION), (SHOW, shows)]
    assert not converse(libvirt().forget(GUEST), script).ok


def test_what_it_is() -> None:
    hypervisor = Libvirt(URI)
    assert (hypervisor.name, hypervisor.can_migrate) == (URI, True)
    assert hypervisor.look_every_s > 0
    assert hypervisor.events() == virsh.listen(URI)
