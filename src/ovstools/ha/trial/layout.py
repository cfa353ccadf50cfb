"""The folders of a try: one shared between all servers, one for each; and who made them, how."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import RefusedError
from ...model.lock_names import is_kept
from ...system import files
from ..kept_locks import SOCKET

MARKER = "ha-try.json"
FORMAT = 1
LEAST_DEAD_S, MOST_DEAD_S = 1.0, 120.0
MOST_SERVERS, MOST_GUESTS = 32, 200
POOL, DEFINITIONS = "pool", "running_pool"
#: a socket's path (unix(7)); the keeper's first has another name, with its pid
_SOCKET_BYTES = 107
_LONGEST_SOCKET = f".{SOCKET}.{1 << 22}"
_EXAMPLE = '{"format": 1, "nodes": ["vmserver1", "vmserver2"], "dead_s": 4.0}'


@dataclass(frozen=True)
class Trial:
    """A try's folder; dead_s: how long after its end a server counts as alive (T x 2 s).

    guests: how many examples are still to be made. notify: the program that gets each event.
    """

    folder: Path
    nodes: tuple[str, ...]
    dead_s: float
    guests: int = 0
    notify: str = ""

    @property
    def pool(self) -> Path:
        """Return the folder in the place of the pool file system."""
        return self.folder / POOL

    @property
    def definitions(self) -> Path:
        """Return the folder in the place of a repository, with the guests' definitions."""
        return self.folder / DEFINITIONS

    @property
    def numbers(self) -> dict[str, int]:
        """Return the node numbers."""
        return {name: number for number, name in enumerate(self.nodes)}

    def server(self, node: str) -> Path:
        """Return a server's own folder. Raises RefusedError when there is no such server."""
        if node not in self.nodes:
            raise RefusedError(f"there is no server {node}", f"servers: {' '.join(self.nodes)}")
        return self.folder / node

    def run(self, node: str) -> Path:
        """Return what is /run/ovs on a real server; short, as the socket's path is limited."""
        return self.server(node) / "run"

    def power(self, node: str) -> Path:
        """Return the file that the server's first process locks as long as it has power."""
        return self.server(node) / "power"

    def life(self, node: str) -> Path:
        """Return the file that every process of the server has open, and no other process."""
        return self.server(node) / "life"

    def log(self, node: str) -> Path:
        """Return the file that keeper and agent of a server write into."""
        return self.server(node) / "log"


def command(folder: Path, *words: str) -> str:
    """Return a command line of ha-try for a folder, as a shell reads it."""
    return shlex.join(("ovstools", "ha-try", "--dir", str(folder), *words))


def make(trial: Trial) -> None:
    """Write down what a try is, then make its folders; fine if they are there.

    Raises RefusedError when the folder is another's, or its name too long.
    """
    refuse_long(trial)
    marker = trial.folder / MARKER
    find(trial.folder)
    # First, so that whatever is made of the rest is known to be ours.
    files.replace(marker, format_marker(trial), files.read_text(marker))
    for path in (trial.pool, trial.definitions, *map(trial.run, trial.nodes)):
        files.make_folder(path)
    trial.pool.chmod(0o700)


def refuse_long(trial: Trial) -> None:
    """Raise RefusedError when the keepers' sockets have no room below the folder."""
    taken = max(len(os.fsencode(trial.run(node) / _LONGEST_SOCKET)) for node in trial.nodes)
    length = len(os.fsencode(trial.folder))
    if taken > _SOCKET_BYTES:
        raise RefusedError(
            f"the folder's name has {length} bytes, and {length + _SOCKET_BYTES - taken} at most",
            str(trial.folder),
            hint="take a shorter one (--dir): a socket's path below it has 107 bytes at most",
        )


def find(folder: Path) -> Trial | None:
    """Return the try in a folder; None: the folder is not there, or empty.

    Raises RefusedError when it is somebody else's, or ha-try.json is damaged.
    """
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise RefusedError(f"{folder} is no folder")
    owner = folder.stat().st_uid
    if owner != os.geteuid():  # what is in it says which programs we run
        raise RefusedError(f"{folder} belongs to user {owner}", hint="take another one: --dir")
    text = files.read_text(folder / MARKER)
    if text is not None:
        return parse(folder, text)
    if any(not each.name.startswith(f".{MARKER}-") for each in folder.iterdir()):
        raise RefusedError(f"{folder} is not empty, and no folder of ha-try")
    return None


def load(folder: Path) -> Trial:
    """Return the try in a folder. Raises RefusedError as find does, and when there is none."""
    found = find(folder)
    if found is None:
        raise RefusedError(f"there is no try in {folder}", hint=command(folder, "start"))
    return found


def format_marker(trial: Trial) -> str:
    """Return the text of ha-try.json."""
    values = {"format": FORMAT, "nodes": list(trial.nodes), "dead_s": trial.dead_s,
              "guests": trial.guests, "notify": trial.notify}  # fmt: skip
    return json.dumps(values) + "\n"


def parse(folder: Path, text: str) -> Trial:
    """Read the text of ha-try.json. Raises RefusedError when it is in no form of ours."""
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not _is_well_formed(values):
        raise RefusedError(
            f"{folder / MARKER} is damaged, or of another ovstools",
            f"found {text.strip()[:200]!r}",
            hint=f"write into it, with your servers and seconds:\n{_EXAMPLE}",
        )
    return Trial(
        folder, tuple(values["nodes"]), float(values["dead_s"]), values.get("guests", 0),
        values.get("notify", ""),
    )  # fmt: skip


def _is_well_formed(values: Any) -> bool:
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        return False
    nodes, dead_s, guests = values.get("nodes"), values.get("dead_s"), values.get("guests", 0)
    return (
        isinstance(nodes, list)
        and 1 <= len(nodes) <= MOST_SERVERS
        and all(isinstance(node, str) and is_kept(f"node-{node}") for node in nodes)
        and len({POOL, DEFINITIONS, MARKER, *nodes}) == 3 + len(nodes)
        and isinstance(dead_s, (int, float))
        and not isinstance(dead_s, bool)
        and 0 < dead_s <= MOST_DEAD_S  # not so for nan
        and isinstance(guests, int)
        and 0 <= guests <= MOST_GUESTS
        and isinstance(values.get("notify", ""), str)
    )
