"""An authorized_keys file (sshd(8)) in which ovstools has lines of its own, one a server."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .lines import Lines
from .ssh_keys import MARK


@dataclass(frozen=True)
class AuthorizedKeys:
    """The file; lines that do not end with our mark are never touched."""

    lines: Lines

    @classmethod
    def parse(cls, text: str) -> AuthorizedKeys:
        """Read any text."""
        return cls(Lines.split(text))

    def __str__(self) -> str:
        return str(self.lines)

    def with_servers(
        self, wanted: Mapping[str, str], left_alone: Collection[str] = ()
    ) -> AuthorizedKeys:
        """Bring our lines to the wanted ones, by server; those of others that are ours go.

        left_alone: servers whose line stays as it is.
        """
        lines, missing, gone = self.lines, dict(wanted), []
        for index, line in enumerate(lines.lines):
            server = _server_of(line)
            if server is None or server in left_alone:
                continue
            if server in missing:
                lines = lines.replace(index, missing.pop(server))
            else:
                gone.append(index)
        lines = lines.drop(gone)
        return AuthorizedKeys(lines.append(*missing.values()) if missing else lines)


def _server_of(line: str) -> str | None:
    """Return whose line of ours it is; None: it is somebody else's."""
    comment = line.rpartition(" ")[2]
    is_ours = comment.startswith(MARK) and not line.lstrip().startswith("#")
    return comment[len(MARK) :] if is_ours else None
