r"""Scopes of libvirt's containers: `machine-lxc\x2d3009\x2dct1.scope` is number 3009."""

from __future__ import annotations

import re

#: every container's scope, for systemctl
PATTERN = "machine-lxc*.scope"
FROZEN = frozenset({"frozen", "freezing"})
_ID = re.compile(r"machine-lxc\\x2d(\d+)\\x2d.*\.scope", re.ASCII)


def pattern_of(number: int) -> str:
    r"""Return what matches the scope of a container, whatever is left of its name in it."""
    return f"machine-lxc?x2d{number}?x2d*.scope"  # ? for the backslash, which escapes in patterns


def parse_frozen(text: str) -> frozenset[int]:
    """Parse `systemctl show` of the scopes, of Id and FreezerState; return who is frozen."""
    found = set()
    for paragraph in text.split("\n\n"):
        said = dict(line.partition("=")[::2] for line in paragraph.splitlines())
        match = _ID.fullmatch(said.get("Id", ""))
        if match and said.get("FreezerState") in FROZEN:
            found.add(int(match.group(1)))
    return frozenset(found)
