"""Whether this kernel has OCFS2."""

from __future__ import annotations

import pytest

from ovstools.errors import RefusedError
from ovstools.system.kernel_modules import refuse_missing_modules
from tests.fakes.machine import FakeMachine


def test_modules_that_can_be_loaded(machine: FakeMachine) -> None:
    refuse_missing_modules(machine.host())
    assert machine.commands == [], "asking loads nothing"


def test_a_kernel_without(machine: FakeMachine) -> None:
    machine.modules = False
    with pytest.raises(RefusedError, match="this kernel has no OCFS2") as caught:
        refuse_missing_modules(machine.host())
    assert "not found" in caught.value.evidence[0]
    assert "linux-image-amd64" in caught.value.hint


def test_what_is_loaded_is_not_asked_for(machine: FakeMachine) -> None:
    machine.modules = False
    for folder in ("sys/fs/o2cb", "sys/fs/ocfs2"):
        (machine.root / folder).mkdir(parents=True)
    refuse_missing_modules(machine.host())
