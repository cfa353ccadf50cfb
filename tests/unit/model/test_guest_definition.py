"""Which images two guests must not use at the same time."""

from __future__ import annotations

import pytest

from ovstools.model.guest_definition import Image, ImageKind, conflicts

READ = Image("/x", is_writable=False)
SHARED = Image("/x", is_shareable=True)
FOLDER = Image("/pool/web", ImageKind.FOLDER)


@pytest.mark.parametrize(
    ("ours", "theirs", "is_conflict"),
    [
        (Image("/x"), Image("/x"), True),
        (Image("/x"), READ, True),
        (READ, Image("/x"), True),
        (READ, READ, False),
        (SHARED, SHARED, False),
        (SHARED, Image("/x"), True),
        (Image("/x"), SHARED, True),
        (Image("/x"), Image("/y"), False),
        (Image("/x"), Image("/x2"), False),
        (FOLDER, Image("/pool/web/a.img"), True),
        (Image("/pool/web/a.img"), FOLDER, True),
        (FOLDER, Image("/pool/web2/a.img"), False),
        (Image("rbd/x", ImageKind.REMOTE), Image("rbd/x", ImageKind.REMOTE), True),
    ],
)
def test_conflicts(ours: Image, theirs: Image, is_conflict: bool) -> None:
    assert list(conflicts([ours], [theirs])) == ([ours] if is_conflict else [])
