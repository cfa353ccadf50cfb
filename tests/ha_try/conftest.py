"""A pool for the tests of a module, and one for a test that destroys it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ha_try.pool import Pool


@pytest.fixture
def pool() -> Iterator[Pool]:
    """Return three servers without guests; in /tmp, for a socket's path has 107 bytes at most."""
    folder = Path(tempfile.mkdtemp(prefix="ovs-try-", dir="/tmp"))
    made = Pool(folder)
    try:
        yield made
    finally:
        made.stop()
