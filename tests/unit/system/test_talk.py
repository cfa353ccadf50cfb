"""Talk: who hears what."""

from __future__ import annotations

import io

import pytest

from ovstools.system.clock import Clock
from ovstools.system.talk import Talk


@pytest.mark.parametrize(
    "level, said",
    [(-1, ["warned"]), (0, ["warned", "noticed"]), (1, ["warned", "noticed", "detailed"])],
)
def test_levels(level: int, said: list[str]) -> None:
    stream = io.StringIO()
    talk = Talk(level, stream)
    talk.warn("warned")
    talk.notice("noticed")
    talk.detail("detailed")
    assert stream.getvalue().splitlines() == [f"ovstools: {line}" for line in said]


def test_talk_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Talk().notice("x")
    assert capsys.readouterr() == ("", "ovstools: x\n")


def test_the_clock_goes_on() -> None:
    clock = Clock()
    before = clock.monotonic()
    clock.sleep(0.001)
    assert clock.monotonic() - before >= 0.001
