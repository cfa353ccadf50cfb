"""An ext4 superblock as dumpe2fs prints it."""

from __future__ import annotations

import pytest

from ovstools.errors import ParseError
from ovstools.model.ext4 import parse_size
from tests.unit.model.captured import captured


def test_size() -> None:
    assert parse_size(captured("dumpe2fs", "mmp")) == 64 * 2**20


@pytest.mark.parametrize("text", ["", "Block count: many\n", "Block count:   16384\n"])
def test_no_superblock(text: str) -> None:
    with pytest.raises(ParseError):
        parse_size(text)
