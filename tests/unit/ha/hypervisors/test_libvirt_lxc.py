"""Containers through libvirt, and Xen through it: what differs from QEMU."""

from __future__ import annotations

import pytest

from ovstools.ha.hypervisors.libvirt_listed import LibvirtListed
from ovstools.ha.hypervisors.libvirt_lxc import LibvirtLxc
from ovstools.ha.hypervisors.protocol import TIMED_OUT, Outcome, Unknown
from ovstools.ha.report import Power
from ovstools.model.command import Result
from ovstools.system import scopes, virsh
from tests.unit.ha.hypervisors.talk import NAP, OK, Expected, StillClock, Vm, converse, failed
from tests.unit.model.captured import captured

URI = "lxc:///system"
GUEST = Vm("ct1")
BOTH = ("ct1", "ct2")
NAMES = (virsh.list_names(URI), Result(0, captured("virsh", "names")))
STATES = (virsh.domstates(URI, BOTH), Result(0, captured("virsh", "domstates-two")))
GONE = (virsh.domstates(URI, BOTH), Result(0, "= ct1\nrunning (booted)\n\n7675\n\n= ct2\n\n"))
NOBODY = (virsh.list_names(URI), Result(0, "\n"))
ONE = (virsh.list_names(URI), Result(0, "ct1\n\n"))
THAWED = (scopes.show_frozen(), Result(0, captured("systemctl", "scopes")))
FROZEN = (scopes.show_frozen(), Result(0, captured("systemctl", "scopes-frozen")))
NO = failed("error: operation failed: Suspend operation failed")


def state(text: str, number: str = "-") -> tuple[Expected, ...]:
    """Expect a look at ct1 alone."""
    listed = f"= ct1\n{text}\n\n{number}\n\n"
    asked = (ONE, (virsh.domstates(URI, ("ct1",)), Result(0, listed)))
    return (*asked, THAWED) if number != "-" else asked


RUNNING = state("running (booted)", "7675")


def lxc() -> LibvirtLxc:
    """Return the one that has answered for long."""
    found = LibvirtLxc(URI, "", StillClock())
    converse(found.look(), [NOBODY, NAP, NOBODY])
    return found


def test_look() -> None:
    found = converse(lxc().look(), [NAMES, STATES, THAWED])
    assert found == {"ct1": Power.RUNNING, "ct2": Power.CRASHED}


def test_a_frozen_one_is_paused() -> None:
    found = converse(lxc().look(), [NAMES, STATES, FROZEN])
    assert found == {"ct1": Power.PAUSED, "ct2": Power.CRASHED}


@pytest.mark.parametrize(
    "text, power",
    [
        ("shut off (shutdown)", Power.CRASHED),  # also of one whose init was killed
        ("shut off (destroyed)", Power.DESTROYED),
        ("shut off (unknown)", Power.CRASHED),
    ],
)
def test_ends(text: str, power: Power) -> None:
    assert converse(lxc().look(), [*state(text)]) == {"ct1": power}


def test_one_that_went_between_the_two_calls() -> None:
    states = (virsh.domstates(URI, ("ct1",)), Result(0, "= ct1\nrunning (booted)\n\n7675\n"))
    found = converse(lxc().look(), [NAMES, GONE, ONE, states, THAWED])
    assert found == {"ct1": Power.RUNNING}


@pytest.mark.parametrize(
    "script",
    [
        [(virsh.list_names(URI), failed("error: x"))],
        [NAMES, (virsh.domstates(URI, BOTH), Result(TIMED_OUT))],
        [NAMES, (virsh.domstates(URI, BOTH), Result(0, "= ct1\nhello\n"))],
        [NAMES, GONE, NAMES, GONE, NAMES, GONE],
        [NAMES, STATES, (scopes.show_frozen(), Result(1, "", "no bus"))],
    ],
    ids=["list", "time", "words", "one that is never answered for", "systemd"],
)
def test_anything_odd_is_unknown(script: list[Expected]) -> None:
    assert isinstance(converse(lxc().look(), script), Unknown)


def test_xen_takes_the_words_as_they_are() -> None:
    uri = "xen:///system"
    xen = LibvirtListed(uri, "", StillClock())
    names = (virsh.list_names(uri), Result(0, "ct1\n"))
    off = (virsh.domstates(uri, ("ct1",)), Result(0, "= ct1\nshut off (shutdown)\n\n-\n"))
    assert converse(xen.look(), [names, off, NAP, names, off]) == {"ct1": Power.SHUT_DOWN}
    assert xen.can_migrate


def test_stop_asks_in_both_ways_and_kills_without_grace() -> None:
    asked = (virsh.shutdown_container(URI, "ct1"), OK)
    killed = (virsh.destroy(URI, "ct1", False), OK)
    script = [*RUNNING, asked, *RUNNING, killed, *state("shut off (destroyed)")]
    assert converse(lxc().stop(GUEST, 0), script) == Outcome(True)


DOMID = (virsh.domid(URI, "ct1"), Result(0, "7675\n\n"))
PATTERN = "machine-lxc?x2d7675?x2d*.scope"


def test_suspend_freezes_the_scope() -> None:
    states = state("running (booted)", "7675")[:-1]
    script = [(virsh.suspend(URI, "ct1"), NO), DOMID, (scopes.freeze(PATTERN), OK), *states, FROZEN]
    assert converse(lxc().suspend(GUEST), script) == Outcome(True)


def test_resume_thaws_it() -> None:
    script = [(virsh.resume(URI, "ct1"), NO), DOMID, (scopes.thaw(PATTERN), OK), *RUNNING]
    assert converse(lxc().resume(GUEST), script) == Outcome(True)


def test_what_libvirt_can_do_it_does() -> None:
    assert converse(lxc().suspend(GUEST), [(virsh.suspend(URI, "ct1"), OK)]) == Outcome(True)
    assert converse(lxc().resume(GUEST), [(virsh.resume(URI, "ct1"), OK)]) == Outcome(True)


def test_who_is_off_is_not_suspended() -> None:
    off = (virsh.domid(URI, "ct1"), Result(0, "-\n\n"))
    script = [(virsh.suspend(URI, "ct1"), NO), off, *state("shut off (shutdown)")]
    assert not converse(lxc().suspend(GUEST), script).ok


def test_containers_stay() -> None:
    hypervisor = lxc()
    outcome = converse(hypervisor.migrate(GUEST, "vmserver2"), [])
    assert outcome == Outcome(False, "lxc:///system cannot migrate guests")
    assert not hypervisor.can_migrate


def test_forget_keeps_nothing() -> None:
    script = [*state("shut off (destroyed)"), (virsh.undefine(URI, "ct1"), OK)]
    assert converse(lxc().forget(GUEST), script) == Outcome(True)
    script = [*state("shut off (destroyed)"), (virsh.undefine(URI, "ct1"), failed("no"))]
    assert converse(lxc().forget(GUEST), script) == Outcome(False, "no")
