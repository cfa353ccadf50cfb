"""iSCSI as open-iscsi has it: portals, node records, sessions, and the text of iscsiadm(8)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

from ..errors import ParseError, UsageError

ISCSI_PORT = 3260
#: RFC 3720 3.2.6.3: iqn. and a date, eui. or naa. and hex digits; a name holds no slash
IQN = r"(?:iqn|eui|naa)\.[A-Za-z0-9.:-]+"
_IQN_WORD = re.compile(IQN, re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)
_SPLIT = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:]+))(?::(?P<port>[0-9]+))?", re.ASCII)
#: iscsiadm prints an unknown tag as -1 or as 2**32 - 1
UNKNOWN_TAG = -1
_UNKNOWN_TAGS = ("-1", "4294967295")
_DISCOVERED = re.compile(
    r"(?P<portal>(?:\[[^\]]+\]|[^:\s]+):[0-9]+),(?P<tag>[0-9]+|-1) (?P<iqn>\S+)", re.ASCII
)
_EMPTY = "<empty>"


@dataclass(frozen=True)
class Portal:
    """Where a target listens; two spellings of an IPv6 address are one portal.

    host is the name or address as it was spelled, without brackets: iscsiadm compares letters.
    """

    host: str = field(compare=False)
    port: int = ISCSI_PORT
    address: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            address = str(ipaddress.ip_address(self.host))
        except ValueError:
            address = self.host.lower()
        object.__setattr__(self, "address", address)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_portal(word: str) -> Portal:
    """Read HOST[:PORT], [IPV6][:PORT] or a bare IPv6 address; raise UsageError for else."""
    hint = "a portal is 10.1.1.1, 10.1.1.1:3260, [2001:db8::10]:3260 or a host's name"
    if _is_ipv6(word):
        return Portal(word)
    match = _SPLIT.fullmatch(word)
    host = (match["v6"] or match["host"]) if match else ""
    if match is None or not (_is_ipv6(host) if match["v6"] else _NAME.fullmatch(host)):
        raise UsageError(f"{word!r} is not a portal", hint=hint)
    port = int(match["port"] or ISCSI_PORT)
    if not 1 <= port <= 65535:
        raise UsageError(f"port {port} in {word!r} is not from 1 to 65535")
    return Portal(host, port)


def _is_ipv6(word: str) -> bool:
    try:
        ipaddress.IPv6Address(word)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class TargetPortal:
    """A target behind one portal, as discovery finds it."""

    iqn: str
    portal: Portal
    tag: int = field(default=UNKNOWN_TAG, compare=False)  #: the portal group's

    def __str__(self) -> str:
        return f"{self.iqn} at {self.portal}"

    @property
    def recid(self) -> str:
        """Spell the portal as iscsiadm's --portal takes it."""
        return f"{self.portal}" if self.tag == UNKNOWN_TAG else f"{self.portal},{self.tag}"


@dataclass(frozen=True)
class NodeRecord:
    """What iscsiadm calls "node": a target behind a portal, and how to log in to it."""

    at: TargetPortal
    startup: str = "manual"
    authmethod: str = "None"
    iface: str = "default"

    @property
    def is_automatic(self) -> bool:
        """Tell whether a boot logs in to it."""
        return self.startup == "automatic"


@dataclass(frozen=True)
class ScsiDisk:
    """A LUN of a session; device is the kernel's name, as in sdb."""

    lun: int
    device: str
    wwid: str | None = None

    @property
    def path(self) -> str:
        """Return the device's path."""
        return f"/dev/{self.device}"


@dataclass(frozen=True)
class Session:
    """A logged-in record, as the kernel has it."""

    sid: int
    at: TargetPortal
    state: str = "LOGGED_IN"
    disks: tuple[ScsiDisk, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """A target that an operator means: at one portal, or at all that it has."""

    iqn: str
    portal: Portal | None = None

    def __str__(self) -> str:
        return self.iqn if self.portal is None else f"{self.iqn}@{self.portal}"

    def means(self, at: TargetPortal) -> bool:
        """Tell whether it is this one; names of targets have no case (RFC 3722)."""
        if self.iqn.lower() != at.iqn.lower():
            return False
        return self.portal is None or self.portal == at.portal


def is_iqn(word: str) -> bool:
    """Tell whether a word is the name of a target; such a name is safe in a path."""
    return bool(_IQN_WORD.fullmatch(word))


def parse_wanted(word: str) -> Wanted:
    """Read IQN or IQN@PORTAL; raise UsageError for else."""
    iqn, at, portal = word.partition("@")
    if not is_iqn(iqn):
        raise UsageError(
            f"{word!r} is not a target", hint="name it IQN or IQN@PORTAL; ovstools iscsi list"
        )
    return Wanted(iqn, parse_portal(portal) if at else None)


def parse_discovery(text: str) -> tuple[TargetPortal, ...]:
    """Read what ``iscsiadm --mode discovery`` prints: ``10.1.1.1:3260,5 iqn...`` a line."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        match = _DISCOVERED.fullmatch(line.strip())
        if match is None or not is_iqn(match["iqn"]):
            raise ParseError("iscsiadm", number, "HOST:PORT,TAG IQN", line)
        found.append(TargetPortal(match["iqn"], parse_portal(match["portal"]), _tag(match["tag"])))
    return tuple(found)


def parse_records(text: str) -> tuple[NodeRecord, ...]:
    """Read ``iscsiadm --mode node --op show``: every record, its secrets as asterisks."""
    records = []
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("# BEGIN RECORD"):
            values = {}
        elif line.startswith("# END RECORD"):
            records.append(_record(values, number))
        else:
            name, equals, value = line.partition(" = ")
            values[name] = value.strip() if equals and value.strip() != _EMPTY else ""
    return tuple(records)


def _record(values: dict[str, str], line: int) -> NodeRecord:
    try:
        iqn, port = values["node.name"], int(values["node.conn[0].port"])
        portal = Portal(values["node.conn[0].address"], port)
        at = TargetPortal(iqn, portal, _tag(values["node.tpgt"]))
    except (KeyError, ValueError) as error:
        raise ParseError("iscsiadm", line, "a whole node record", str(error)) from error
    return NodeRecord(
        at,
        startup=values.get("node.startup", ""),
        authmethod=values.get("node.session.auth.authmethod", ""),
        iface=values.get("iface.iscsi_ifacename", "default"),
    )


def _tag(word: str) -> int:
    return UNKNOWN_TAG if word in _UNKNOWN_TAGS else int(word)
