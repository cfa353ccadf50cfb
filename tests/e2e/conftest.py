"""Fixtures of the end-to-end tests: the lab, and what every one of them needs."""

from __future__ import annotations

import pytest

from tests.e2e.journey import Typist
from tests.lab.plugin import (
    lab,
    lab_instance,
    pytest_configure,
    pytest_runtest_makereport,
    pytest_terminal_summary,
)

__all__ = [
    "lab",
    "lab_instance",
    "pytest_configure",
    "pytest_runtest_makereport",
    "pytest_terminal_summary",
]

pytest.register_assert_rewrite("tests.e2e.iscsi_stories")  # its failures show the values too


#: Each runs for 6 to 22 minutes; on two cores `make test` has no time for them, `make long` has.
LONG = {
    "test_iscsi.py",
    "test_joining.py",
    "test_libvirt.py",
    "test_nfs.py",
    "test_nfs_ha.py",
    "test_repositories.py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here as e2e, or as long."""
    for item in items:
        if "tests/e2e/" in item.path.as_posix():
            mark = pytest.mark.long if item.path.name in LONG else pytest.mark.e2e
            item.add_marker(mark)


@pytest.fixture
def typist() -> Typist:
    """Return one who types and does not talk."""
    return Typist()
