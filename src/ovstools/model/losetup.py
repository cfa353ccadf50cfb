"""Loop devices as `losetup --json` lists them (losetup(8))."""

from __future__ import annotations

import json
from typing import Any

from ..errors import ParseError

COLUMNS = "NAME,BACK-FILE"


def parse_losetup(text: str, source: str = "losetup --json") -> tuple[str, ...]:
    """Return the devices of a list; losetup prints nothing, or an empty list, for none."""
    if not text.strip():
        return ()
    try:
        rows: Any = json.loads(text)["loopdevices"]
        return tuple(str(row["name"]) for row in rows)
    except (ValueError, KeyError, TypeError) as error:
        raise ParseError(source, 1, '{"loopdevices": [{"name": ...}]}', text.strip()) from error
