"""pool.yaml as text: made when there is none yet, then changed line by line."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from ..forms.edit import with_changes
from ..forms.policy import FIELDS, FORMAT, parse_pool
from ..forms.reading import demand
from .edits import edit
from .pool_view import POOL, PoolView
from .session import Session
from .work import Stage


def changed(view: PoolView, changes: Mapping[str, Any]) -> str:
    """Return the text with other values. Raises RefusedError when it cannot be edited."""
    before = view.texts.get(POOL)
    if before is None:
        before = f"format: {FORMAT}\nuuid: {uuid.uuid4().hex.upper()}\n"
    after = with_changes(before, changes)
    demand(parse_pool(after.encode()), POOL)
    return after


def stage(session: Session, view: PoolView, title: str, changes: Mapping[str, Any]) -> Stage:
    """Return the stage that makes the changes; without steps when it is so already."""
    before = view.texts.get(POOL)
    is_so = before is None and all(_is_default(view, key, value) for key, value in changes.items())
    after = before if is_so else changed(view, changes)
    return Stage(edit(session, title, POOL, before, after), edits=True)


def _is_default(view: PoolView, key: str, value: Any) -> bool:
    """Tell whether a key of a file that is not there has this value anyway."""
    if value is None:
        return True
    return key in FIELDS and getattr(view.policy, FIELDS[key]) == value
