"""What was seen of the pool file system: one request reads whatever has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Union

from ...model.sealed_block import Missing
from ..pool_files import MAX_FILE, done, received
from ..pool_io import Done, Failed, Job, PoolIo

FOLDERS = ("guests", "requests", "nodes", "events", "locks", "ssh")
BALLAST, BALLAST_BYTES = "reserve", 16 * 2**20
#: with less, the file system is full: a small write that happens to succeed is no sight (rule 5)
ROOM_BYTES = 2**20


@dataclass(frozen=True)
class Same:
    """As it was."""


@dataclass(frozen=True)
class Content:
    """A file's content, and the signature to ask with next time."""

    signature: str
    data: bytes


@dataclass(frozen=True)
class Names:
    """A folder's names, and the signature to ask with next time; half-written files left out."""

    signature: str
    names: tuple[str, ...]


Found = Union[Same, Missing, Failed, Content, Names]


def look(io: PoolIo, known: Mapping[str, str], limit_s: float) -> Job[Mapping[str, Found]]:
    """Read the files and folders whose signature is another than the known one ("": read)."""

    def decode(fields: Sequence[str], descriptors: list[int]) -> Mapping[str, Found]:
        data = received(descriptors)
        found: dict[str, Found] = {}
        for name, said in zip(known, fields[1:]):
            word, _, rest = said.partition(" ")
            if word == "same":
                found[name] = Same()
            elif word == "missing":
                found[name] = Missing()
            elif word == "failed":
                number, _, text = rest.partition(" ")
                found[name] = Failed(f"{name}: {text}", int(number))
            else:
                signature, _, length = rest.partition(" ")
                own, data = data[: int(length)], data[int(length) :]
                found[name] = Content(signature, own) if word == "file" else _names(signature, own)
        return found

    words = [word for pair in known.items() for word in pair]
    return io.ask("look", (str(MAX_FILE), *words), decode, limit_s)


def written_at(signature: str) -> float:
    """Return when the content was written, in seconds since 1970 by its writer's clock."""
    return int(signature.split(".")[1]) / 1e9


def prepare(io: PoolIo, limit_s: float) -> Job[Done]:
    """Make the folders that are not there, and the ballast where there is room for it."""
    return io.ask("prepare", (str(BALLAST_BYTES), BALLAST, *FOLDERS), done, limit_s)


def room(io: PoolIo, limit_s: float) -> Job[Done]:
    """Ask whether there is room for what agents write; Failed with ENOSPC: there is not."""
    return io.ask("room", (str(ROOM_BYTES),), done, limit_s)


def _names(signature: str, data: bytes) -> Names:
    words = data.decode("utf-8", "surrogateescape").split("\0")
    return Names(signature, tuple(word for word in words if word and not word.startswith(".")))
