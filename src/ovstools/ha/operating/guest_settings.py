"""`ovstools vm set` and `vm remove`: what is wanted of a guest, and that nothing is any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...errors import RefusedError, UsageError
from ..forms.edit import with_changes
from ..forms.guest_file import READERS, GuestFile, as_values, parse_guest
from ..forms.reading import demand
from ..orders import Phase
from ..wishes import STARTED
from . import guests
from .answer import Answer
from .assignments import assigned
from .edits import edit
from .pool_view import PoolView, guest_path
from .session import Session
from .work import Stage, Work

_IDENTITY = {"name", "uuid"}
#: another one of these, and the agent would not find the guest that runs
_ONLY_OFF = {"hypervisor", "definition"}


def set_values(session: Session, name: str, words: tuple[str, ...]) -> Work:
    """Change keys of a guest's file; an empty value means the default."""
    for key in sorted(_IDENTITY & {word.partition("=")[0] for word in words}):
        hint = f"another guest like it: ovstools vm clone {name} NEWNAME"
        raise UsageError(f"{key} is what the guest is known by: it does not change", hint=hint)
    known = {key: reader for key, reader in READERS.items() if key not in _IDENTITY}
    values = assigned(words, known)
    view = session.view()
    file = guests.demand(view, name)
    if _ONLY_OFF & values.keys():
        demand_off(view, name, f"to change {' and '.join(sorted(_ONLY_OFF & values.keys()))}")
    notices = _look_at_names(session, view, values)
    path = guest_path(name)
    before = view.texts[path]
    after = with_changes(before, _spellable(file, values))
    demand(parse_guest(after.encode(), name), path)
    steps = edit(session, f"change {path}", path, before, after)
    said = "changed" if steps else "already so"
    data = {"guest": name, "changed": bool(steps)}
    return Work((Stage(steps, edits=True),), Answer((f"{name}: {said}",), data), notices)


def _spellable(file: GuestFile, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as the file spells them."""
    required = {"hypervisor", "definition", "state", "home"}
    for key in sorted(required & {key for key, value in values.items() if value is None}):
        raise UsageError(f"{key} has no default: it needs a value")
    given = {key: value for key, value in values.items() if value is not None}
    spelled = as_values(replace(file, **given))
    return {key: spelled.get(key, value) if key in given else None for key, value in values.items()}


def _look_at_names(session: Session, view: PoolView, values: dict[str, Any]) -> tuple[str, ...]:
    """Put in full the servers that are named; say which guests are not there."""
    if values.get("home"):
        values["home"] = session.members.named(values["home"])
    if values.get("preferred_servers"):
        values["preferred_servers"] = tuple(
            tuple(session.members.named(server) for server in tier)
            for tier in values["preferred_servers"]
        )
    others = [each.guest for each in values.get("after") or ()]
    return tuple(
        f"there is no guest {other} under HA: it is not waited for"
        for other in others
        if other not in view.wishes.guests
    )


def demand_off(view: PoolView, name: str, purpose: str) -> None:
    """Raise RefusedError unless a guest is wanted off, and is."""
    file, entry = view.guests[name], view.orders.entries.get(name)
    here = view.whereabouts(name)
    reports = view.standing_reports.items()
    locked = [node for node, r in reports if name in r.guests and r.guests[name].locked]
    if here:
        reason = f"it is in memory on {', '.join(here)}"
    elif locked:
        reason = f"its lock is held on {', '.join(locked)}"
    elif file.state == STARTED:
        reason = "its file says started"
    elif entry is not None and entry.phase not in (Phase.OFF, Phase.IGNORED):
        reason = f"the master has it as {entry.phase.value}"
    else:
        return
    raise RefusedError(f"{name} must be off {purpose}", reason, hint=f"ovstools vm stop {name}")


def remove(session: Session, name: str) -> Work:
    """Take a guest out of HA; definition and images stay, and so does its lock file."""
    view = session.view()
    path = guest_path(name)
    if path not in view.texts:
        guests.demand(view, name)
    if path in view.unusable:
        raise RefusedError(
            f"{path}: {view.unusable[path].reason}", hint="correct the file: it says what is wanted"
        )
    demand_off(view, name, "to be removed")
    file = view.guests[name]
    mentions = [
        f"rules.yaml names it: {rule.kind} {' '.join(sorted(rule.guests))}"
        for rule in view.rules
        if name in rule.guests
    ]
    mentions += [
        f"{other.name} starts after it, and will not wait for it any more"
        for other in view.guests.values()
        if any(after.guest == name for after in other.after)
    ]
    steps = edit(session, f"remove {path}", path, view.texts[path], None)
    stage = Stage(steps, edits=True, locks=(name,))
    text = f"{name} is no longer under HA; its definition stays: {file.definition}"
    data = {"guest": name, "definition": file.definition, "changed": True}
    return Work((stage,), Answer((text,), data), (*mentions,))
