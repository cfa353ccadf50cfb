from __future__ import annotations

import pytest

from ovstools.model.nfs_answers import meaning

from .captured import captured


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("no-such-export", "the server has no such export"),
        ("denied", "does not let this server in"),
        ("refused", "nobody serves NFS there"),
        ("family", "name is not known here"),
        ("option", "does not know an option"),
        ("statd", "needs rpc.statd"),
    ],
)
def test_captured(case: str, reason: str) -> None:
    found = meaning(captured("mount", case))
    assert found is not None and reason in found.reason and found.hint


def test_anything_else_is_shown_as_it_is() -> None:
    assert meaning("mount.nfs: Stale file handle") is None
