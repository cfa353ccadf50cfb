"""Talk: who hears what."""

from __future__ import annotations

import errno
import io
import sys

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


class Full(io.StringIO):
    """A log on a full disk."""

    def write(self, text: str) -> int:
        """Find no room."""
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    Talk(0, Full()).notice("x")


def test_without_stderr_nothing_goes_to_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    Talk().notice("x")
    monkeypatch.undo()
    assert capsys.readouterr() == ("", "")


def test_the_clock_goes_on() -> None:
    clock = Clock()
    before = clock.monotonic()
    clock.sleep(0.001)
    assert clock.monotonic() - before >= 0.001
