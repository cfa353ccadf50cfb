"""What the lab's guests write while they run, and how two that ran at the same time show in it.

Each appends `SERVER LIFE COUNT` to a log on the repository, some times in two seconds, from its
start to its end. LIFE is new at each start; a migration keeps LIFE, and COUNT goes on. So those of
two that ran at the same time stand between each other's lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Life:
    """What one run of a guest has written; server: where it was last."""

    server: str
    ident: str
    counts: tuple[int, ...]


def parse_log(text: str) -> list[Life]:
    """Return a guest's runs in the order of their first lines; fail when two ran at once.

    What a dead server had not written to its end is no line, or zeros.
    """
    found: list[Life] = []
    for line in text.replace("\0", "").splitlines():
        match = re.fullmatch(r"(\S+) ([0-9A-Fa-f-]{8,36}) (\d+)", line)
        if match is None:
            continue
        name, ident, count = match[1], match[2], int(match[3])
        if found and found[-1].ident == ident:
            found[-1] = Life(name, ident, (*found[-1].counts, count))
        else:
            found.append(Life(name, ident, (count,)))
    idents = [life.ident for life in found]
    assert len(set(idents)) == len(idents), f"two writers at once: {found}"
    for life in found:
        assert list(life.counts) == sorted(set(life.counts)), f"it went backwards: {life}"
    return found
