"""Talk: who hears what."""

from __future__ import annotations

import errno
import io
import re
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


class Terminal(io.StringIO):
    """A person's screen."""

    def isatty(self) -> bool:
        """Be one."""
        return True


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (io.StringIO(), [f"ovstools: write: {percent} %" for percent in (12, 50, 100)]),
        (
            Terminal(),
            [
                "ovstools: write [##                  ]  12 %",
                "ovstools: write [###                 ]  15 %",
                "ovstools: write [##########          ]  50 %",
                "ovstools: write [####################] 100 %",
            ],
        ),
    ],
)
def test_progress(stream: io.StringIO, said: list[str]) -> None:
    before = 0
    for done in (12, 15, 50, 100):
        Talk(0, stream).progress("write", done, 100, before)
        Talk(-1, stream).progress("write", done, 100, before)
        before = done
    found = [line for line in re.split(r"[\r\n]+", stream.getvalue()) if line]
    assert found == said
    assert stream.getvalue().endswith("\n")


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
