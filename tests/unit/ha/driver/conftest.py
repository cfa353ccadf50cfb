"""One server with a keeper of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.ha.driver.rig import Rig, keeper


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder whose path is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="ovs-", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def rig(folder: Path) -> Iterator[Rig]:
    """Return a server that has just begun."""
    with keeper(folder):
        made = Rig(folder)
        yield made
        made.close()
