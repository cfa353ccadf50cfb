"""Read the pool file system again and again; what has not changed is not read twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...model.lock_names import FOLDER as LOCKS
from ...model.lock_names import MASTER
from ...model.sealed_block import Missing, Unreadable
from ..driver import parsing, sighting
from ..driver.parsing import GUESTS, NODES, ORDERS, POLICY, REQUESTS, RULES, Unusable
from ..driver.sighting import Content, Found, Names
from ..forms import policy
from ..orders import Orders
from ..pool_io import Abandoned, Failed, Job, PoolIo, wait
from .pool_view import PoolView

MASTER_FILE = f"{LOCKS}/{MASTER}"
FILES = (ORDERS, POLICY, RULES, MASTER_FILE)
FOLDERS = (GUESTS, REQUESTS, NODES)


class Reader:
    """Reads into PoolViews; limit_s: how long each of the two requests of a look may take."""

    def __init__(self, io: PoolIo, limit_s: float) -> None:
        self._io = io
        self.limit_s = limit_s
        self._known: dict[str, str] = {}
        self._texts: dict[str, bytes] = {}
        self._values: dict[str, Any] = {}
        self._written_at: dict[str, float] = {}

    def read(self) -> PoolView | Failed | Abandoned:
        """Return what is there now."""
        first = self._look((*FILES, *FOLDERS))
        if isinstance(first, (Failed, Abandoned)):
            return first
        listed = [
            f"{folder}/{name}"
            for folder in FOLDERS
            if isinstance(names := first[folder], Names)
            for name in names.names
            if parsing.is_ours(folder, name)
        ]
        second = self._look(listed) if listed else {}
        if isinstance(second, (Failed, Abandoned)):
            return second
        for name in self._values.keys() - {*FILES, *listed}:
            self._forget(name)
        return self._view()

    def _look(self, names: Iterable[str]) -> Mapping[str, Found] | Failed | Abandoned:
        known = {name: self._known.get(name, "") for name in names}
        job: Job[Mapping[str, Found]] = sighting.look(self._io, known, self.limit_s)
        found = wait(job)
        if isinstance(found, (Failed, Abandoned)):
            return found
        for name, each in found.items():
            if isinstance(each, Failed):
                return each
            if isinstance(each, Content):
                self._take(name, each)
            elif isinstance(each, Missing):
                self._forget(name)
        return found

    def _take(self, name: str, found: Content) -> None:
        self._known[name] = found.signature
        self._written_at[name] = sighting.written_at(found.signature)
        self._texts[name] = found.data
        self._values[name] = _parsed(name, found.data)

    def _forget(self, name: str) -> None:
        for each in (self._known, self._written_at, self._texts, self._values):
            each.pop(name, None)

    def _view(self) -> PoolView:
        unusable = {n: v for n, v in self._values.items() if isinstance(v, Unusable)}
        sound = {n: v for n, v in self._values.items() if n not in unusable and v is not None}
        master = sound.get(MASTER_FILE)
        return PoolView(
            pool=sound.get(POLICY),
            guests={value.name: value for value in _below(sound, GUESTS)},
            rules=sound.get(RULES) or (),
            orders=sound.get(ORDERS) or Orders(),
            sheets={value.report.node: value for value in _below(sound, NODES)},
            requests={value.uid: value for value in _below(sound, REQUESTS)},
            texts={n: _text(d) for n, d in self._texts.items() if n.endswith(".yaml")},
            written_at={
                parsing.stem(n): at for n, at in self._written_at.items() if n.startswith(NODES)
            },
            unusable=unusable,
            epoch=master.epoch if master is not None else 0,
        )


def _below(values: Mapping[str, Any], folder: str) -> Iterable[Any]:
    return (values[name] for name in sorted(values) if name.startswith(f"{folder}/"))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _parsed(name: str, data: bytes) -> Any:
    if name != POLICY:
        return parsing.parse(name, data)
    found = policy.parse_pool(data)
    if isinstance(found, Unreadable):
        return Unusable(found.reason, found.is_newer)
    return found
