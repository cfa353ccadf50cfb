"""A try's folder and what its ha-try.json says: written, read back, refused when it is odd."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ovstools.errors import RefusedError
from ovstools.ha.trial import layout
from ovstools.ha.trial.layout import MARKER, Trial

NODES = ("vmserver1", "vmserver2")
GOOD = {"format": 1, "nodes": ["vmserver1"], "dead_s": 4.0}


@pytest.fixture
def folder() -> Path:
    """Return a folder that is not there, with a name so short that a socket has room in it."""
    return Path("/tmp/ovs-t")


def test_what_is_written_is_read(folder: Path) -> None:
    trial = Trial(folder, NODES, 4.5, 3, "/bin/true")
    assert layout.parse(folder, layout.format_marker(trial)) == trial


def test_an_earlier_form_had_fewer_keys(folder: Path) -> None:
    assert layout.parse(folder, json.dumps(GOOD)) == Trial(folder, ("vmserver1",), 4.0)


@pytest.mark.parametrize(
    "text",
    [
        "", "no json", "[]", "3", '"x"', "\0", json.dumps({}),
        json.dumps({**GOOD, "format": 2}),
        json.dumps({**GOOD, "nodes": "vmserver1"}),
        json.dumps({**GOOD, "nodes": []}),
        json.dumps({**GOOD, "nodes": [1]}),
        json.dumps({**GOOD, "nodes": ["../../x"]}),
        json.dumps({**GOOD, "nodes": ["pool"]}),
        json.dumps({**GOOD, "nodes": ["vmserver1", "vmserver1"]}),
        json.dumps({**GOOD, "nodes": ["v" * 251]}),
        json.dumps({**GOOD, "dead_s": "4"}),
        json.dumps({**GOOD, "dead_s": True}),
        json.dumps({**GOOD, "dead_s": float("nan")}),
        json.dumps({**GOOD, "dead_s": 0}),
        json.dumps({**GOOD, "guests": -1}),
        json.dumps({**GOOD, "guests": 1e9}),
        json.dumps({**GOOD, "notify": 7}),
    ],
)  # fmt: skip
def test_a_damaged_file_is_named_with_the_way_out(folder: Path, text: str) -> None:
    with pytest.raises(RefusedError) as refused:
        layout.parse(folder, text)
    assert str(folder / MARKER) in refused.value.what
    assert '"nodes": ["vmserver1", ' in refused.value.hint


def test_a_file_of_bytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_bytes(b"\xff\xfe")
    with pytest.raises(RefusedError, match="not UTF-8"):
        layout.load(tmp_path)


@pytest.mark.parametrize(
    ("length", "nodes", "fits"),
    [(72, ("vmserver9",), True), (73, ("vmserver9",), False),
     (71, ("vmserver9", "vmserver10"), True), (72, ("vmserver9", "vmserver10"), False)],
)  # fmt: skip
def test_a_keepers_socket_must_have_room(length: int, nodes: tuple[str, ...], fits: bool) -> None:
    """Linux gives it 107 bytes, whatever path lies below (unix(7))."""
    trial = Trial(Path("/" + "d" * (length - 1)), nodes, 4.0)
    if fits:
        layout.refuse_long(trial)
        return
    with pytest.raises(RefusedError, match=f"{length} bytes, and {length - 1} at most"):
        layout.refuse_long(trial)


def test_a_long_name_makes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 100)
    with pytest.raises(RefusedError):
        layout.make(Trial(folder, NODES, 4.0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "verdict"),
    [((), None), ((f".{MARKER}-x7",), None), (("precious",), "is not empty"),
     ((f".{MARKER}-x7", "precious"), "is not empty")],
)  # fmt: skip
def test_whose_folder_it_is(tmp_path: Path, names: tuple[str, ...], verdict: str | None) -> None:
    """A start that was killed while it wrote its first file leaves a temporary one."""
    for name in names:
        (tmp_path / name).touch()
    if verdict is None:
        assert layout.find(tmp_path) is None
        with pytest.raises(RefusedError, match="there is no try") as none:
            layout.load(tmp_path)
        assert none.value.hint == f"ovstools ha-try --dir {tmp_path} start"
        return
    with pytest.raises(RefusedError, match=verdict):
        layout.find(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RefusedError, match="is no folder"):
        layout.find(tmp_path / "file")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    """What is in it says which programs run as us."""
    (tmp_path / MARKER).write_text(json.dumps(GOOD))
    os.chown(tmp_path, 65534, 65534)
    with pytest.raises(RefusedError, match="belongs to user 65534"):
        layout.find(tmp_path)


def test_the_way_out_can_be_pasted() -> None:
    with pytest.raises(RefusedError) as none:
        layout.load(Path("/tmp/no such folder"))
    assert none.value.hint == "ovstools ha-try --dir '/tmp/no such folder' start"


def test_what_is_not_there_yet_is_made(tmp_path: Path, request: Any) -> None:
    short = Path("t")  # relative: a socket has room
    os.chdir(tmp_path)
    request.addfinalizer(lambda: os.chdir("/"))
    layout.make(Trial(short, NODES, 4.0))
    layout.make(Trial(short, NODES, 4.0))
    assert layout.load(short).nodes == NODES
    names = {str(each.relative_to(short)) for each in short.rglob("*")}
    assert names == {MARKER, "pool", "running_pool", "vmserver1", "vmserver1/run", "vmserver2",
                     "vmserver2/run"}  # fmt: skip
    assert (short / "pool").stat().st_mode & 0o777 == 0o700
