"""/etc/ovs/repositories: one ``[@]UUID SOURCE`` a line, ``@`` marks the cluster root.

``-`` as UUID means that it is not known yet, and is filled in at the first mount. Lines that are
not understood stay where they are, and are reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..errors import UsageError
from . import octal
from .lines import Lines
from .uuids import is_uuid, normal_uuid

PATH = "/etc/ovs/repositories"
UNKNOWN_UUID = "-"
_BLANKS = re.compile(r"[ \t]+")
HEADER = (
    "# Repositories of this server: [@]UUID SOURCE, @ marks the cluster root (/OVS).",
    "# Written by ovstools; see ovs-repositories(5).",
)


@dataclass(frozen=True)
class Repository:
    """A storage area in the list; without UUID until it was mounted once."""

    uuid: str | None
    source: str
    cluster_root: bool = False


@dataclass(frozen=True)
class RepositoryList:
    """The file as lines; make one with parse()."""

    document: Lines

    @classmethod
    def parse(cls, text: str) -> RepositoryList:
        """Read the file; nothing is refused, see ``unknown``."""
        return cls(Lines.split(text))

    def __str__(self) -> str:
        return str(self.document)

    @property
    def repositories(self) -> tuple[Repository, ...]:
        """List the repositories in the file's order."""
        return tuple(each for _, each in self._entries())

    @property
    def unknown(self) -> tuple[tuple[int, str], ...]:
        """List the lines that are not understood, with their numbers counted from 1."""
        known = {index for index, _ in self._entries()}
        return tuple(
            (index + 1, line)
            for index, line in enumerate(self.document.lines)
            if index not in known and line.strip() and not line.lstrip().startswith("#")
        )

    @property
    def cluster_root(self) -> Repository | None:
        """Find the repository that is mounted at /OVS."""
        return next((each for each in self.repositories if each.cluster_root), None)

    def by_uuid(self, uuid: str) -> Repository | None:
        """Find a repository by its UUID, in any spelling."""
        wanted = normal_uuid(uuid)
        return next((each for each in self.repositories if each.uuid == wanted), None)

    def by_source(self, source: str) -> Repository | None:
        """Find a repository by its source."""
        return next((each for each in self.repositories if each.source == source), None)

    def with_repository(self, repository: Repository) -> RepositoryList:
        """Add a repository, or rewrite its line: that of its UUID, else ``-`` with its source."""
        line = format_line(repository)
        entries = dict(self._entries())
        same = [index for index, each in entries.items() if _is_same(each, repository)]
        if same:
            # the line of the UUID stays; one that did not know it yet has had its day
            kept = next((index for index in same if entries[index].uuid), same[0])
            extra = set(same) - {kept}
            if entries[kept] == repository and not extra:
                return self
            return RepositoryList(self.document.replace(kept, line).drop(extra))
        header = () if str(self.document) else HEADER
        return RepositoryList(self.document.append(*header, line))

    def without(self, uuid: str) -> RepositoryList:
        """Remove every line of a UUID."""
        wanted = normal_uuid(uuid)
        return self._drop(lambda each: each.uuid == wanted)

    def without_source(self, source: str) -> RepositoryList:
        """Remove every line of a source, which may have no UUID yet."""
        return self._drop(lambda each: each.source == source)

    def _drop(self, is_unwanted: Callable[[Repository], bool]) -> RepositoryList:
        gone = {index for index, each in self._entries() if is_unwanted(each)}
        return RepositoryList(self.document.drop(gone)) if gone else self

    def _entries(self) -> Iterator[tuple[int, Repository]]:
        for index, line in enumerate(self.document.lines):
            repository = parse_line(line)
            if repository is not None:
                yield index, repository


def _is_same(listed: Repository, repository: Repository) -> bool:
    if listed.uuid is None or repository.uuid is None:
        return listed.source == repository.source
    return listed.uuid == repository.uuid


def parse_line(line: str) -> Repository | None:
    """Read one line, or None for a comment and for what is not understood."""
    words = _BLANKS.split(line.strip(" \t"))
    if len(words) != 2 or words[0].startswith("#") or not line.replace("\t", " ").isprintable():
        return None
    cluster_root = words[0].startswith("@")
    uuid = words[0][1:] if cluster_root else words[0]
    if uuid != UNKNOWN_UUID and not is_uuid(uuid):
        return None
    known = None if uuid == UNKNOWN_UUID else normal_uuid(uuid)
    return Repository(known, octal.decode(words[1]), cluster_root)


def format_line(repository: Repository) -> str:
    """Write one line."""
    if not repository.source:
        raise UsageError("a repository needs a source")
    uuid = UNKNOWN_UUID if repository.uuid is None else normal_uuid(repository.uuid)
    mark = "@" if repository.cluster_root else ""
    return f"{mark}{uuid} {octal.encode(repository.source)}"
