from __future__ import annotations

import pytest

from ovstools.errors import UsageError
from ovstools.model.uuids import is_uuid, normal_uuid

NORMAL = "0123456789ABCDEF0123456789ABCDEF"


@pytest.mark.parametrize("text", [NORMAL, NORMAL.lower(), "01234567-89ab-cdef-0123-456789abcdef"])
def test_spellings(text: str) -> None:
    assert is_uuid(text)
    assert normal_uuid(text) == NORMAL


@pytest.mark.parametrize(
    "text", ["", "-", NORMAL[1:], NORMAL + "0", NORMAL[:-1] + "G", f"-{NORMAL}", NORMAL + "\n"]
)
def test_nonsense(text: str) -> None:
    assert not is_uuid(text)
    with pytest.raises(UsageError, match="32 hex digits"):
        normal_uuid(text)
