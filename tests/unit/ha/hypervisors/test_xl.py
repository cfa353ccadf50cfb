"""Xen through xl, as far as that can be had without Xen."""

from __future__ import annotations

import pytest

from ovstools.ha.hypervisors.protocol import TIMED_OUT, Outcome, Unknown
from ovstools.ha.hypervisors.xl import Xl
from ovstools.ha.report import Power
from ovstools.model.command import Result
from ovstools.system import xl
from tests.unit.ha.hypervisors.talk import NAP, OK, Expected, StillClock, Vm, converse, failed
from tests.unit.model.test_xl_domain import listing

GUEST = Vm(definition="/OVS/running_pool/web1/vm.cfg")
SSH = "ssh -T -i /etc/ovs/ssh/id_ed25519"


def shown(*domains: tuple[str, str]) -> Expected:
    """Expect a list; each domain by name and flags."""
    text = listing(("Domain-0", 0, "r-----"), *((name, 3, flags) for name, flags in domains))
    return xl.list_domains(), Result(0, text)


RUNNING, PAUSED = shown(("web1", "-b----")), shown(("web1", "--p---"))
NOBODY, OFF, CRASHED = shown(), shown(("web1", "---s--")), shown(("web1", "---sc-"))


@pytest.mark.parametrize(
    "domains, power",
    [
        ([("web1", "-b----")], Power.RUNNING),
        ([("web1", "------")], Power.RUNNING),
        ([("web1", "--p---")], Power.PAUSED),
        ([("web1", "---s--")], Power.SHUT_DOWN),
        ([("web1", "---sc-")], Power.CRASHED),
        ([("web1", "---sw-")], Power.CRASHED),
        ([("web1", "---sr-")], Power.STUCK),
        ([("web1", "---ss-")], Power.STUCK),
        ([("web1", "---s?-")], Power.STUCK),
        ([("web1", "---s-d")], Power.STUCK),
        ([("web1--incoming", "--p---")], Power.MOVING),
        ([("web1--migratedaway", "---ss-")], Power.MOVING),
        ([("web1--incoming", "--p---"), ("web1", "-b----")], Power.RUNNING),
        ([("web1", "-b----"), ("web1--incoming", "--p---")], Power.RUNNING),
    ],
)
def test_look(domains: list[tuple[str, str]], power: Power) -> None:
    assert converse(Xl().look(), [shown(*domains)]) == {"web1": power}


@pytest.mark.parametrize("result", [failed("no xenstore"), Result(0, ""), Result(TIMED_OUT)])
def test_anything_odd_is_unknown(result: Result) -> None:
    assert isinstance(converse(Xl().look(), [(xl.list_domains(), result)]), Unknown)


CREATE = xl.create(GUEST.definition, "web1", GUEST.uuid)
DESTROY = (xl.destroy("web1"), OK)
SHUTDOWN = (xl.shutdown("web1"), OK)


def test_start() -> None:
    assert converse(Xl().start(GUEST), [NOBODY, (CREATE, OK)]) == Outcome(True)
    assert converse(Xl().start(GUEST), [CRASHED, DESTROY, (CREATE, OK)]) == Outcome(True)
    assert converse(Xl().start(GUEST), [RUNNING]).ok
    assert not converse(Xl().start(GUEST), [PAUSED]).ok
    assert not converse(Xl().start(GUEST), [(xl.list_domains(), Result(1))]).ok
    script = [NOBODY, (CREATE, failed("no memory")), NOBODY]
    assert converse(Xl().start(GUEST), script) == Outcome(False, "no memory")


def test_stop() -> None:
    clock = StillClock()
    script = [RUNNING, SHUTDOWN, RUNNING, NAP, OFF]
    assert converse(Xl(SSH, clock).stop(GUEST, 60), script) == Outcome(True)
    script = [RUNNING, SHUTDOWN, RUNNING, DESTROY, NOBODY]
    assert converse(Xl(SSH, clock).stop(GUEST, 0), script) == Outcome(True)
    assert converse(Xl(SSH, clock).stop(GUEST, 60), [PAUSED, DESTROY, NOBODY]) == Outcome(True)
    blind = (xl.list_domains(), Result(1))
    assert not converse(Xl(SSH, clock).stop(GUEST, 0), [RUNNING, SHUTDOWN, blind]).ok
    dying = shown(("web1", "-----d"))
    script = [PAUSED, DESTROY, dying, *([NAP, dying] * 10)]
    assert not converse(Xl(SSH, clock).stop(GUEST, 0), script, clock).ok


def test_migrate() -> None:
    command = xl.migrate("web1", "vmserver2", SSH, 3600)
    assert converse(Xl(SSH).migrate(GUEST, "vmserver2"), [(command, OK), NOBODY]) == Outcome(True)
    away = shown(("web1--migratedaway", "---ss-"))
    script = [(command, failed("** Migration failed during final handshake **")), away]
    assert not converse(Xl(SSH).migrate(GUEST, "vmserver2"), script).ok
    script = [(command, failed("broken pipe")), NOBODY]
    assert not converse(Xl(SSH).migrate(GUEST, "vmserver2"), script).ok


def test_pause() -> None:
    assert converse(Xl().suspend(GUEST), [(xl.pause("web1"), OK)]) == Outcome(True)
    assert converse(Xl().suspend(GUEST), [(xl.pause("web1"), failed("no")), PAUSED]).ok
    assert not converse(Xl().resume(GUEST), [(xl.unpause("web1"), failed("no")), PAUSED]).ok


def test_forget() -> None:
    assert converse(Xl().forget(GUEST), [NOBODY]) == Outcome(True)
    assert converse(Xl().forget(GUEST), [RUNNING]) == Outcome(False, "web1 is still here")
    assert converse(Xl().forget(GUEST), [OFF, DESTROY, NOBODY]) == Outcome(True)
    script = [OFF, (xl.destroy("web1"), failed("busy")), OFF]
    assert converse(Xl().forget(GUEST), script) == Outcome(False, "busy")


def test_what_it_is() -> None:
    assert (Xl().name, Xl().can_migrate, Xl().events()) == ("xl", True, None)
    assert Xl().look_every_s > 0
