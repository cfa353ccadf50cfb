"""/etc/ovs/repositories.options: ``UUID OPTIONS`` and ``DEFAULT FSTYPE OPTIONS``, for mount -o."""

from __future__ import annotations

from dataclasses import dataclass

from .lines import Lines
from .uuids import is_uuid, normal_uuid

PATH = "/etc/ovs/repositories.options"
DEFAULT = "DEFAULT"


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

    def options_for(self, uuid: str | None, fstype: str) -> str:
        """Find the mount options: those of the UUID, else of the file system's type, else none.

        They do not add up; of several lines the last one counts.
        """
        table = {key: options for line in self.document.lines for key, options in _entry(line)}
        if uuid is not None and normal_uuid(uuid) in table:
            return table[normal_uuid(uuid)]
        return table.get(f"{DEFAULT} {fstype}", "")

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
    return []
