"""The commands of a timeline, and what each of their words must be."""

from __future__ import annotations

import math
from collections.abc import Collection

NODE, GUEST, NEW_GUEST, STATE, NUMBER, MARK, MODE, WORD = (
    "node", "guest", "new guest", "state", "number", "mark", "mode", "word",
)  # fmt: skip
_CHOICES = {
    STATE: ("started", "stopped", "disabled", "ignored"),
    MARK: ("backup", "create"),
    MODE: ("freeze", "ignore"),
}
COMMANDS: dict[str, tuple[str, ...]] = {
    "power-on": (NODE,),
    "power-off": (NODE,),
    "net-off": (NODE,),
    "net-on": (NODE,),
    "storage-off": (NODE,),
    "storage-on": (NODE,),
    "shutdown": (NODE,),
    "reboot": (NODE,),
    "restart-daemon": (NODE,),
    "kill-daemon": (NODE,),
    "hang-daemon": (NODE,),
    "kill-keeper": (NODE,),
    "maintenance-on": (NODE,),
    "maintenance-off": (NODE,),
    "set": (GUEST, STATE),
    "migrate": (GUEST, NODE),
    "relocate": (GUEST, NODE),
    "stop": (GUEST, NUMBER),
    "crash": (GUEST,),
    "add": (NEW_GUEST, NODE, STATE),
    "delete": (GUEST,),
    "lock": (GUEST, MARK),
    "store-fail": (NODE,),
    "store-ok": (NODE,),
    "disarm": (MODE,),
    "arm": (),
    "manual-move": (GUEST, NODE),
    "load": (GUEST, NUMBER, NUMBER),
    "start": (GUEST,),
    "halt": (GUEST,),
    "destroy": (GUEST,),
    "io-error": (GUEST,),
    "io-ok": (GUEST,),
    "repository-off": (NODE, WORD),
    "repository-on": (NODE, WORD),
    "master": (NODE,),
}


def command_words(
    words: tuple[str, ...], nodes: Collection[str], guests: Collection[str]
) -> str | None:
    """Say what is wrong with a command; None when nothing is."""
    if not words or words[0] not in COMMANDS:
        return f"unknown command; known: {', '.join(COMMANDS)}"
    kinds = COMMANDS[words[0]]
    if len(words) - 1 != len(kinds):
        return f"expected {' '.join((words[0], *(kind.upper() for kind in kinds)))}"
    for word, kind in zip(words[1:], kinds):
        if kind == NODE and word not in nodes:
            return f"unknown node {word!r}"
        if kind == GUEST and word not in guests:
            return f"unknown guest {word!r}"
        if kind in _CHOICES and word not in _CHOICES[kind]:
            return f"expected {' or '.join(_CHOICES[kind])}, found {word!r}"
        if kind == NUMBER and not _is_number(word):
            return f"expected a number, found {word!r}"
    return None


def _is_number(word: str) -> bool:
    try:
        return 0 <= float(word) < math.inf
    except ValueError:
        return False


def named(words: tuple[str, ...], kind: str) -> tuple[str, ...]:
    """Return the nodes or guests that a command names."""
    wanted = (GUEST, NEW_GUEST) if kind == GUEST else (kind,)
    return tuple(w for w, k in zip(words[1:], COMMANDS[words[0]]) if k in wanted)
