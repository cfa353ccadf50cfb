"""Xen's domains as `xl list` shows them; from Xen's own source (tools/xl/xl_info.c), not run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: xl renames a domain while it moves: `web1--incoming`, and at the source `web1--migratedaway`
INCOMING, AWAY = "--incoming", "--migratedaway"
#: a domain that has lost its name is being torn down
NAMELESS = "(null)"
_HEADER = re.compile(r"Name\s+ID\s+Mem\s+VCPUs\s+State\s+Time\(s\)")
_LINE = re.compile(
    r"(?P<name>\S.*?)\s+(?P<id>\d+)\s+(?P<mem>\d+)\s+(?P<vcpus>\d+)\s+"
    r"(?P<flags>[r-][b-][p-][s-][-rscwS?][d-])\s+\d+\.\d",
    re.ASCII,
)


@dataclass(frozen=True)
class XlDomain:
    """A domain; reason: why it is shut down, one letter.

    `-` power-off, r reboot, s suspend, c crash, w watchdog, S soft reset, ? unknown.
    """

    name: str
    id: int
    paused: bool = False
    shutdown: bool = False
    reason: str = "-"
    dying: bool = False


def parse_xl_list(text: str) -> Mapping[str, XlDomain]:
    """Parse `xl list`, by name, dom0 included. Raises ValueError."""
    header, *lines = text.splitlines() or [""]
    if not _HEADER.match(header):
        raise ValueError(f"xl list: expected Name, ID, Mem, VCPUs, State, found {header!r}")
    found = {}
    for line in lines:
        if not line.strip():
            continue
        match = _LINE.match(line)
        if not match:
            raise ValueError(f"xl list: expected a domain, found {line!r}")
        flags = match["flags"]
        if match["name"] != NAMELESS:
            found[match["name"]] = XlDomain(
                match["name"], int(match["id"]),
                flags[2] == "p", flags[3] == "s", flags[4], flags[5] == "d",
            )  # fmt: skip
    return found
