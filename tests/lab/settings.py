"""Where the lab lives and what it is made of: names, addresses, sizes, folders."""

from __future__ import annotations

import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path

from .errors import LabError

CHECKOUT = Path(__file__).resolve().parents[2]
RUN = Path("/run/ovslab")
DOMAIN = "example.com"
STORAGE_ADDRESS = "192.168.100.1"
PREFIX_LENGTH = 24
MOST_SERVERS = 8
MEMORY_MIB = 768
LOCAL_DISK_MIB = 2048
# The LUNs that are there from the start, as /dev/sdb and /dev/sdc.
LUN_SIZES_MIB = (4096, 2048)


@dataclass(frozen=True)
class Identity:
    """What tells one server from the next; `index` counts from 0."""

    index: int

    @property
    def short_name(self) -> str:
        """The name as in `vmserver1`."""
        return f"vmserver{self.index + 1}"

    @property
    def name(self) -> str:
        """The fully qualified name: also what `hostname` prints in the server."""
        return f"{self.short_name}.{DOMAIN}"

    @property
    def address(self) -> str:
        """The only IPv4 address."""
        return f"192.168.100.{100 + self.index}"

    @property
    def mac(self) -> str:
        """The network card's address, the same at each boot and restore."""
        return f"52:54:00:64:00:{self.index + 1:02x}"

    @property
    def tap(self) -> str:
        """The host's end of its network cable, inside the namespace."""
        return f"tap{self.index + 1}"

    @property
    def machine_id(self) -> str:
        """machine-id(5), the same at each boot."""
        return uuid.uuid5(uuid.NAMESPACE_DNS, self.name).hex


@dataclass(frozen=True)
class Settings:
    """One instance of the lab; two instances differ in `name` and share the cache."""

    name: str
    count: int
    cache: Path
    checkout: Path

    @property
    def run_dir(self) -> Path:
        """Sockets, pid files and logs: gone after `down`."""
        return RUN / self.name

    @property
    def disks_dir(self) -> Path:
        """The disks in use. Not under /run: a tmpfs has neither the room nor direct I/O."""
        return self.cache / "disks" / self.name

    @property
    def identities(self) -> tuple[Identity, ...]:
        """All servers, in order."""
        return tuple(Identity(index) for index in range(self.count))


def from_environment(
    name: str | None = None, count: int = 3, checkout: Path | None = None
) -> Settings:
    """Read OVSLAB_NAME and OVSLAB_CACHE; refuse what cannot work.

    Each of several processes of pytest (pytest-xdist) has an instance of its own.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    own = [os.environ.get("OVSLAB_NAME") or "ovslab", *([worker] if worker else [])]
    name = name or "-".join(own)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", name):
        raise LabError(f"not a usable OVSLAB_NAME (letters, digits, - and _): {name!r}")
    if not 1 <= count <= MOST_SERVERS:
        raise LabError(f"the lab has 1 to {MOST_SERVERS} servers, not {count}")
    checkout = (checkout or CHECKOUT).resolve()
    cache = Path(os.environ.get("OVSLAB_CACHE") or checkout / ".cache" / "lab").resolve()
    return Settings(name, count, cache, checkout)
