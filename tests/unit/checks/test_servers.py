"""What the other servers' own checks said, judged by this one's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ovstools.checks import servers
from ovstools.checks.look import look
from ovstools.checks.servers import own_fingerprint
from ovstools.checks.view import OtherServer, View
from tests.fakes.machine import FakeMachine
from tests.fakes.pool import make_healthy

WELL = OtherServer("two", is_healthy=True, summary="two: healthy")
CASES: dict[str, tuple[OtherServer, list[str]]] = {
    "well": (WELL, []),
    "of an older ovstools, which tells no fingerprint": (replace(WELL, fingerprint=None), []),
    "unhealthy": (replace(WELL, is_healthy=False), ["server-unhealthy"]),
    "with other nodes": (replace(WELL, fingerprint="f" * 32), ["config-differs"]),
    "both": (
        replace(WELL, is_healthy=False, fingerprint="f" * 32),
        ["server-unhealthy", "config-differs"],
    ),
    "away": (OtherServer("two", problem="No route to host"), ["server-not-asked"]),
}


@pytest.fixture
def view(machine: FakeMachine) -> View:
    make_healthy(machine)
    return look(machine.host())


@pytest.mark.parametrize("case", CASES)
def test_another_server(view: View, case: str) -> None:
    other, expected = CASES[case]
    if other.fingerprint is None and "older" not in case:
        other = replace(other, fingerprint=own_fingerprint(view))
    outcome = servers.servers.run(replace(view, others=(other,)))
    assert [finding.code for finding in outcome.findings] == expected
    assert all(finding.hint or finding.code == "server-not-asked" for finding in outcome.findings)


def test_nobody_was_asked(view: View) -> None:
    assert servers.servers.run(view).is_skipped


def test_all_are_well(view: View) -> None:
    others = (replace(WELL, fingerprint=own_fingerprint(view)),) * 2
    outcome = servers.servers.run(replace(view, others=others))
    assert outcome.good == "3 servers checked, all with the same configuration"
