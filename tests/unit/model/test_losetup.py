from __future__ import annotations

import pytest

from ovstools.errors import ParseError
from ovstools.model.losetup import parse_losetup

from .captured import captured


@pytest.mark.parametrize(
    ("case", "devices"), [("attached", ("/dev/loop0",)), ("none", ())], ids=["attached", "none"]
)
def test_captured(case: str, devices: tuple[str, ...]) -> None:
    assert parse_losetup(captured("losetup", case)) == devices


def test_nothing_printed_is_none() -> None:
    assert parse_losetup("") == ()


@pytest.mark.parametrize("text", ["{}", "[]", "/dev/loop0", '{"loopdevices": [{"back-file": 1}]}'])
def test_what_is_not_understood(text: str) -> None:
    with pytest.raises(ParseError, match="losetup"):
        parse_losetup(text)
