"""fs_state of a mounted volume."""

from __future__ import annotations

import pytest

from ovstools.errors import ParseError
from ovstools.model.fs_state import parse_device_number

HEAD = "    Device => Id: {}  Uuid: 9405005D5D304519BCEEAA137C48DE63  Gen: 0x28E2DF4E  Label: {}\n"
REST = "    Volume => State: 1  Flags: 0x0\n"


@pytest.mark.parametrize(
    "text, number",
    [
        (HEAD.format("8,17", "cluster root") + REST, "8:17"),
        (HEAD.format("253,0", "") + REST, "253:0"),
        (HEAD.format("7,0", "Device => Id: 8,1"), "7:0"),
    ],
)
def test_device_number(text: str, number: str) -> None:
    assert parse_device_number(text) == number


@pytest.mark.parametrize("text", ["", REST, HEAD.format("8:17", "x"), "Device => Id: 8,17\n"])
def test_what_is_something_else_is_refused(text: str) -> None:
    with pytest.raises(ParseError, match="fs_state:1"):
        parse_device_number(text)
