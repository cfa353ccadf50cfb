"""/etc/ovs/repositories.options: ``UUID OPTIONS`` and ``DEFAULT FSTYPE OPTIONS``, for mount -o.

``SOURCE OPTIONS`` stands in for a UUID that is not known yet, or only once it is mounted (NFS).
"""

from __future__ import annotations

from dataclasses import dataclass

from . import octal
from .lines import Lines
from .uuids import is_uuid, normal_uuid

PATH = "/etc/ovs/repositories.options"
DEFAULT = "DEFAULT"
HEADER = (
    "# Mount options of the repositories: UUID OPTIONS, or SOURCE OPTIONS, or",
    "# DEFAULT FSTYPE OPTIONS; see ovs-repositories(5).",
)


@dataclass(frozen=True)
class RepositoryOptions:
    """The file as lines; make one with parse()."""

    document: Lines

    @classmethod
    def parse(cls, text: str) -> RepositoryOptions:
        """Read the file; nothing is refused, see ``unknown``."""
        return cls(Lines.split(text))

    def __str__(self) -> str:
        return str(self.document)

    def options_for(self, uuid: str | None, fstype: str, source: str = "") -> str:
        """Find the mount options: of the UUID, else of the source, else of the type, else none.

        They do not add up; of several lines the last one counts.
        """
        found = self.own_options(uuid, source)
        return self._table().get(f"{DEFAULT} {fstype}", "") if found is None else found

    def own_options(self, uuid: str | None, source: str = "") -> str | None:
        """Find the options that a repository has for itself; None when there is no line."""
        table = self._table()
        if uuid is not None and normal_uuid(uuid) in table:
            return table[normal_uuid(uuid)]
        return table.get(source)

    def with_options(self, uuid: str | None, source: str, options: str) -> RepositoryOptions:
        """Add the line of a repository: of its UUID, or of its source while that is unknown."""
        key = octal.encode(source) if uuid is None else normal_uuid(uuid)
        header = () if str(self.document) else HEADER
        return RepositoryOptions(self.document.append(*header, f"{key} {options}"))

    @property
    def table(self) -> dict[str, str]:
        """Return all that is understood, by UUID, source, or ``DEFAULT FSTYPE``."""
        return self._table()

    def with_entry(self, key: str, options: str) -> RepositoryOptions:
        """Set the options of a key of table(): in its last line, which counts, or in a new one."""
        if self._table().get(key) == options:
            return self
        is_default = key.startswith(f"{DEFAULT} ")
        line = f"{key if is_default or is_uuid(key) else octal.encode(key)} {options}"
        same = [i for i, each in enumerate(self.document.lines) if key in dict(_entry(each))]
        if same:
            return RepositoryOptions(self.document.replace(same[-1], line))
        header = () if str(self.document) else HEADER
        return RepositoryOptions(self.document.append(*header, line))

    def _table(self) -> dict[str, str]:
        return {key: options for line in self.document.lines for key, options in _entry(line)}

    @property
    def unknown(self) -> tuple[tuple[int, str], ...]:
        """List the lines that are not understood, with their numbers counted from 1."""
        return tuple(
            (number, line)
            for number, line in enumerate(self.document.lines, start=1)
            if line.strip() and not line.lstrip().startswith("#") and not _entry(line)
        )


def _entry(line: str) -> list[tuple[str, str]]:
    words = line.split()
    if len(words) == 3 and words[0] == DEFAULT:
        return [(f"{DEFAULT} {words[1]}", words[2])]
    if len(words) == 2 and is_uuid(words[0]):
        return [(normal_uuid(words[0]), words[1])]
    if len(words) == 2 and (words[0].startswith("/") or ":/" in words[0]):
        return [(octal.decode(words[0]), words[1])]
    return []
