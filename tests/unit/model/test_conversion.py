"""The record of a conversion under way."""

from __future__ import annotations

import pytest

from ovstools.errors import ParseError, UsageError
from ovstools.model.conversion import Conversion, format_conversion, parse_conversion

FOLDER = Conversion("/OVS", "/dev/sdb1", "C", folder="/OVS.local")
DEVICE = Conversion("/OVS", "/dev/sdb1", "C", device="/dev/sda3", fstype="ext4")


@pytest.mark.parametrize("conversion", [FOLDER, DEVICE])
def test_round_trip(conversion: Conversion) -> None:
    assert parse_conversion(format_conversion(conversion)) == conversion


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ORIGIN=/OVS\n",
        format_conversion(Conversion("/OVS", "/dev/sdb1", "C")),  # the old data nowhere
        format_conversion(FOLDER) + "MORE=1\n",
    ],
)
def test_half_a_record(text: str) -> None:
    with pytest.raises(ParseError):
        parse_conversion(text)


def test_what_is_the_same() -> None:
    assert FOLDER.is_same(DEVICE)
    assert not FOLDER.is_same(Conversion("/OVS", "/dev/sdc1", "C"))


def test_no_line_breaks() -> None:
    with pytest.raises(UsageError):
        Conversion("/OVS\nDEVICE=/dev/sda", "/dev/sdb1", "C")
