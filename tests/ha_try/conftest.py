"""A pool for the tests of a module, and one for a test that destroys it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ha_try.pool import PROGRAM, Pool


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Return a copy of the command, which a test may replace by another version."""
    text = PROGRAM.read_text()
    copy = tmp_path / "ovstools"
    copy.write_text(text.replace("os.path.dirname(HERE)", repr(str(PROGRAM.parents[1]))))
    return copy


@pytest.fixture
def pool(program: Path) -> Iterator[Pool]:
    """Return three servers without guests; in /tmp, for a socket's path has 107 bytes at most."""
    folder = Path(tempfile.mkdtemp(prefix="ovs-try-", dir="/tmp"))
    made = Pool(folder, program=program)
    try:
        yield made
    finally:
        made.stop()
