"""The folders of a try: one shared between all servers, and one for each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ...errors import RefusedError
from ...model.lock_names import node_lock
from ...system import files

MARKER = "ha-try.json"


@dataclass(frozen=True)
class Trial:
    """A try's folder; dead_s: how long after its end a server counts as alive (T x 2 s)."""

    folder: Path
    nodes: tuple[str, ...]
    dead_s: float

    @property
    def pool(self) -> Path:
        """Return the folder in the place of the pool file system."""
        return self.folder / "pool"

    @property
    def definitions(self) -> Path:
        """Return the folder in the place of a repository, with the guests' definitions."""
        return self.folder / "running_pool"

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


def make(folder: Path, nodes: tuple[str, ...], dead_s: float) -> Trial:
    """Make the folders; fine if they are there. Raises RefusedError for a folder of others."""
    trial = Trial(folder, nodes, dead_s)
    for node in nodes:
        node_lock(node)
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise RefusedError(f"{folder} is not empty, and no folder of ha-try")
    for path in (trial.pool, trial.definitions, *(trial.run(node) for node in nodes)):
        files.make_folder(path)
    trial.pool.chmod(0o700)
    marker = folder / MARKER
    text = json.dumps({"format": 1, "nodes": list(nodes), "dead_s": dead_s}) + "\n"
    files.replace(marker, text, files.read_text(marker))
    return trial


def load(folder: Path) -> Trial:
    """Return the try in a folder. Raises RefusedError when there is none."""
    text = files.read_text(folder / MARKER)
    if text is None:
        raise RefusedError(f"there is no try in {folder}", hint="ovstools ha-try start")
    values = json.loads(text)
    return Trial(folder, tuple(values["nodes"]), float(values["dead_s"]))
