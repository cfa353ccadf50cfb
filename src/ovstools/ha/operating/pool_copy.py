"""`ovstools pool export` and `pool import`: the operator's files as one document, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import RefusedError, UsageError
from ...model.sealed_block import Unreadable
from ..driver import parsing
from ..forms.edit import with_changes
from ..forms.event import format_time
from ..forms.guest_file import parse_guest
from ..forms.policy import parse_pool
from ..forms.rules import parse_rules
from ..orders import Phase
from .answer import Answer
from .edits import edit
from .pool_view import GUESTS, POOL, RULES, PoolView
from .session import Session
from .work import Stage, Step, Work

KIND, FORMAT = "ovs-pool", 1
NO_COPY = "this is no output of `ovstools pool export`"
_OFF = {Phase.OFF, Phase.ERROR}


def export(session: Session) -> Answer:
    """Return the operator's files, word by word."""
    view = session.view()
    data = {
        "kind": KIND,
        "format": FORMAT,
        "pool": view.pool.uuid if view.pool is not None else None,
        "exported": format_time(session.host.clock.wall()),
        "files": dict(sorted(view.texts.items())),
    }
    return Answer((json.dumps(data, indent=2, ensure_ascii=False),), data)


def bring_in(session: Session, path: str) -> Work:
    """Bring the files to what a document says; guests that it does not name stay.

    Raises RefusedError when it cannot be read, UsageError when it is no such document or a file
    in it cannot be used.
    """
    try:
        texts = _texts(Path(path).read_bytes())
    except OSError as error:
        raise RefusedError(f"{path}: {error.strerror}") from error
    view = session.view()
    steps: list[Step] = []
    notices = [
        f"{name} stays: the document does not name it" for name in view.texts if name not in texts
    ]
    notices += _unknown_guests(texts, view)
    for name, text in texts.items():
        before = view.texts.get(name)
        after = _with_own_uuid(text, view) if name == POOL else text
        _refuse_other_guest(view, name, after)
        _refuse_unknown_home(session, view, name, after)
        steps += edit(session, f"{'make' if before is None else 'change'} {name}", name, before,
                      after)  # fmt: skip
    changed = [step.title.partition(" ")[2] for step in steps]
    said = f"changed: {' '.join(changed)}" if changed else "already so"
    return Work((Stage((*steps,), edits=True),), Answer((said,), {"changed": changed}), (*notices,))


def _texts(data: bytes) -> Mapping[str, str]:
    try:
        values: Any = json.loads(data.decode())
    except ValueError as error:
        raise UsageError(f"{NO_COPY}: {error}") from error
    values = values if isinstance(values, dict) else {}
    if values.get("kind") != KIND or values.get("format") != FORMAT:
        kind, number = values.get("kind"), values.get("format")
        raise UsageError(f"{NO_COPY}: expected kind {KIND}, format {FORMAT}: {kind}, {number}")
    files = values.get("files")
    if not isinstance(files, dict):
        found = json.dumps(files)[:40]
        raise UsageError(f"files: expected each file's name and its text, found {found}")
    for name, text in files.items():
        reason = _why_unusable(name, text)
        if reason:
            raise UsageError(f"{name}: {reason}")
    return dict(sorted(files.items()))


def _unknown_guests(texts: Mapping[str, str], view: PoolView) -> Iterator[str]:
    """Say which guests the document's rules name that will not be there."""
    known = {*view.guests, *(parsing.stem(n) for n in texts if n.startswith(f"{GUESTS}/"))}
    rules = parse_rules(texts[RULES].encode()) if RULES in texts else ()
    for rule in rules if not isinstance(rules, Unreadable) else ():
        for guest in sorted(rule.guests - known):
            yield f"{RULES} names {guest} ({rule.kind}), and there is no such guest under HA"


def _why_unusable(name: str, text: Any) -> str:
    if not isinstance(text, str):
        return "expected a text"
    data = text.encode("utf-8", "surrogatepass")
    folder, _, base = name.partition("/")
    if name == POOL:
        found: Any = parse_pool(data)
    elif name == RULES:
        found = parse_rules(data)
    elif folder == GUESTS and "/" not in base and parsing.is_ours(GUESTS, base):
        found = parse_guest(data, parsing.stem(name))
    else:
        return f"expected {POOL}, {RULES} or {GUESTS}/NAME.yaml"
    return found.reason if isinstance(found, Unreadable) else ""


def _with_own_uuid(text: str, view: PoolView) -> str:
    """Keep this pool's UUID: it says which pool this is, not what is wanted of it."""
    return text if view.pool is None else with_changes(text, {"uuid": view.pool.uuid})


def _refuse_other_guest(view: PoolView, name: str, text: str) -> None:
    """Refuse to put another guest's definition in the place of one that may run."""
    old = view.guests.get(parsing.stem(name)) if name.startswith(f"{GUESTS}/") else None
    new = parse_guest(text.encode(), parsing.stem(name)) if old is not None else None
    if old is None or new is None or isinstance(new, Unreadable):
        return
    is_same = (old.uuid, old.hypervisor, old.definition) == (
        new.uuid, new.hypervisor, new.definition,
    )  # fmt: skip
    entry = view.orders.entries.get(old.name)
    if not is_same and (entry is None or entry.phase not in _OFF or view.whereabouts(old.name)):
        raise RefusedError(
            f"{old.name} is another guest in the document, and may run here",
            f"here: {old.hypervisor} {old.definition} {old.uuid}",
            f"there: {new.hypervisor} {new.definition} {new.uuid}",
            hint=f"ovstools vm stop {old.name}",
        )


def _refuse_unknown_home(session: Session, view: PoolView, name: str, text: str) -> None:
    """Refuse a guest whose home is no server here: it would wait for that server for ever."""
    file = parse_guest(text.encode(), parsing.stem(name)) if name.startswith(f"{GUESTS}/") else None
    if file is None or isinstance(file, Unreadable) or file.home in session.members.numbers:
        return
    old = view.guests.get(file.name)
    if old is None or old.home != file.home:
        raise RefusedError(
            f"{name}: {file.home}, its home, is no server of this pool",
            f"servers: {' '.join(sorted(session.members.numbers))}",
            hint=f"in the document, give {file.name} one of these as its home",
        )
