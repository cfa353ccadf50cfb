r"""Scopes of libvirt's guests: `machine-lxc\x2d3009\x2dct1.scope` is the container number 3009."""

from __future__ import annotations

import re

from .guest_unit import PREFIX, guest_name

#: every container's scope, for systemctl
PATTERN = "machine-lxc*.scope"
FROZEN = frozenset({"frozen", "freezing"})
_ID = re.compile(r"machine-lxc\\x2d(\d+)\\x2d.*\.scope", re.ASCII)
_MACHINE = re.compile(r"machine-(?:qemu|lxc|libxl)\\x2d\d+\\x2d(.+)\.scope", re.ASCII)
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})", re.ASCII)


def guest_of(unit: str) -> str:
    """Return the guest that a unit runs, as far as its name says; empty: it is no guest's.

    systemd-machined names libvirt's guests so, and leaves out or cuts what is odd or long.
    """
    match = _MACHINE.fullmatch(unit)
    if match:
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), match[1])
    return guest_name(unit) if unit.startswith(PREFIX) and unit.endswith(".service") else ""


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
