"""Answers: plain where a program reads, a table where a person looks."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import click
import pytest

from ovstools.cli import output
from ovstools.errors import RefusedError

HEADER = ("NAME", "STATE")
ROWS = (("vmserver1", "alive"), ("[bold]odd[/bold]", "dead"))


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def table_on_screen(
    monkeypatch: pytest.MonkeyPatch, styles: tuple[str, ...] | None = None, no_color: str = ""
) -> str:
    """Return what a person sees of the table."""
    with monkeypatch.context() as patch:
        patch.delenv("NO_COLOR", raising=False)
        if no_color:
            patch.setenv("NO_COLOR", no_color)
        patch.setenv("TERM", "xterm-256color")
        patch.setenv("COLUMNS", "80")
        patch.setattr(sys, "stdout", screen := Screen())
        output.print_table(HEADER, ROWS, styles)
    return screen.getvalue()


def test_json_keeps_order_and_letters(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"b": 1, "a": "\u00e9"})
    assert capsys.readouterr().out == '{\n  "b": 1,\n  "a": "\u00e9"\n}\n'


def test_a_program_reads_columns(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(HEADER, ROWS, ("green", "red"))
    assert capsys.readouterr().out.splitlines() == [
        "NAME              STATE",
        "vmserver1         alive",
        "[bold]odd[/bold]  dead",
    ]


def test_a_person_sees_colour_and_the_very_words(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = table_on_screen(monkeypatch, ("green", "red"))
    assert "\x1b[32m" in seen and "vmserver1" in seen
    assert "[bold]odd[/bold]" in seen
    assert "vmserver1" in table_on_screen(monkeypatch), "rows need no style"


def test_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = table_on_screen(monkeypatch, ("green", "red"), no_color="1")
    assert "vmserver1" in seen and "\x1b" not in seen


def test_without_standard_output_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert not output.is_terminal()


def test_into_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "answer"
    file.write_text("the last one\n")
    with output.into(str(file)):
        click.echo("this one")
        assert file.read_text() == "the last one\n", "replaced whole, at the end"
    assert file.read_text() == "this one\n"
    assert capsys.readouterr().out == ""


def test_a_failure_leaves_the_file_alone(tmp_path: Path) -> None:
    file = tmp_path / "answer"
    file.write_text("the last one\n")
    with pytest.raises(ZeroDivisionError), output.into(str(file)):
        click.echo("half")
        raise ZeroDivisionError
    assert file.read_text() == "the last one\n"
    with pytest.raises(RefusedError, match="is no file"), output.into(str(tmp_path)):
        pass


def test_into_nothing_is_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    with output.into(None):
        click.echo("x")
    assert capsys.readouterr().out == "x\n"
