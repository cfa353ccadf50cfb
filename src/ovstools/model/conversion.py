"""A conversion under way: what is converted, and where its old data is meanwhile.

Kept in a file of this server, ``KEY=VALUE``, from before the first change until the last, so that
a run that was killed is finished by the next.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..errors import ParseError, UsageError

NAME = "conversion"


@dataclass(frozen=True)
class Conversion:
    """What was asked, and where the old data is kept.

    folder: it was renamed to that; device and fstype: it is on a file system that was unmounted.
    """

    origin: str
    source: str
    shared: str
    folder: str = ""
    device: str = ""
    fstype: str = ""

    def __post_init__(self) -> None:
        for each in fields(self):
            if not getattr(self, each.name).isprintable():
                raise UsageError(f"{getattr(self, each.name)!r} has control characters")

    def is_same(self, other: Conversion) -> bool:
        """Tell whether the same was asked."""
        mine = (self.origin, self.source, self.shared)
        return mine == (other.origin, other.source, other.shared)


def format_conversion(conversion: Conversion) -> str:
    """Write the file."""
    lines = (f"{each.name.upper()}={getattr(conversion, each.name)}" for each in fields(Conversion))
    return "\n".join([*lines, ""])


def parse_conversion(text: str, source: str = NAME) -> Conversion:
    """Read the file."""
    values = dict(line.partition("=")[::2] for line in text.split("\n") if line)
    names = {each.name.upper(): each.name for each in fields(Conversion)}
    if set(values) != set(names) or bool(values["FOLDER"]) == bool(values["DEVICE"]):
        raise ParseError(source, 1, f"{', '.join(names)}, of FOLDER and DEVICE one", text)
    return Conversion(**{names[key]: value for key, value in values.items()})
