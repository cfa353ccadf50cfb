"""CHAP: the names and secrets of a log-in, and where they stand in a node record's text.

iscsiadm takes a secret only as a word of its command line, where every user of the machine can
read it; so ovstools writes the record's file itself, in the form that iscsiadm writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import RefusedError, UsageError
from .iscsi import parse_records

PREFIX = "node.session.auth."
METHOD = f"{PREFIX}authmethod"
KEYS = ("username", "password", "username_in", "password_in")
MASK = "********"
#: open-iscsi's AUTH_STR_MAX_LEN, with its NUL
LONGEST = 255


@dataclass(frozen=True)
class Chap:
    """How this server proves itself, and with mutual CHAP, the target to this server."""

    username: str
    password: str = field(repr=False)
    username_in: str | None = None
    password_in: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.username_in is None) != (self.password_in is None):
            raise UsageError("mutual CHAP needs both username_in and password_in")
        for key, value in self.values().items():
            if not _is_word(value):
                raise UsageError(
                    f"CHAP {key}: 1 to {LONGEST} printable ASCII characters, "
                    "none of them a space at an end"
                )
        if self.password == self.password_in:  # RFC 7143 12.1.3
            raise UsageError("the two CHAP secrets are the same; the standard forbids that")

    def values(self) -> dict[str, str]:
        """Return what is set, by open-iscsi's names."""
        found = {key: getattr(self, key) for key in KEYS}
        return {key: value for key, value in found.items() if value is not None}

    def shown(self) -> dict[str, str]:
        """Return the same with the secrets masked."""
        values = self.values().items()
        return {key: MASK if key.startswith("password") else value for key, value in values}


def _is_word(value: str) -> bool:
    is_plain = value.isascii() and value.isprintable() and value == value.strip()
    return is_plain and 1 <= len(value) <= LONGEST


def parse_chap(text: str, source: str) -> Chap:
    """Read ``username = ...`` and so on, as in iscsid.conf(5) with or without its prefix.

    Raises UsageError; no message quotes a line, for any might be a secret.
    """
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        key = name.strip()
        key = key[len(PREFIX) :] if key.startswith(PREFIX) else key
        if not equals or key not in (*KEYS, "authmethod") or key in values:
            raise UsageError(
                f"{source}:{number} is not understood", hint=f"NAME = VALUE, names: {_NAMES}"
            )
        values[key] = value.strip()
    values.pop("authmethod", None)
    if not {"username", "password"} <= set(values):
        raise UsageError(f"{source}: username and password are needed", hint=f"names: {_NAMES}")
    return Chap(**values)


_NAMES = ", ".join(KEYS)


def chap_of(text: str) -> Chap | None:
    """Return what a node record's text has; None: no CHAP, or not what Chap would accept."""
    values = dict(line.partition(" = ")[::2] for line in text.splitlines())
    if values.get(METHOD) != "CHAP":
        return None
    found = {key: values[PREFIX + key].strip() for key in KEYS if values.get(PREFIX + key)}
    try:
        return Chap(**found)
    except (TypeError, UsageError):
        return None


def with_chap(text: str, chap: Chap) -> str:
    """Return a node record's text with exactly these names and secrets; all else stays.

    Raises RefusedError when the text is not one whole record.
    """
    lines = text.splitlines(keepends=True)
    at = [number for number, line in enumerate(lines) if _key(line) == METHOD]
    if len(at) != 1 or len(parse_records(text)) != 1:
        raise RefusedError("the node record is not in the form that open-iscsi writes")
    new = [f"{METHOD} = CHAP\n"]
    new += [f"{PREFIX}{key} = {value}\n" for key, value in chap.values().items()]
    lines[at[0] : at[0] + 1] = new
    gone = {PREFIX + key for key in KEYS}
    return "".join(
        line
        for number, line in enumerate(lines)
        if _key(line) not in gone or at[0] < number < at[0] + len(new)
    )


def _key(line: str) -> str:
    return line.partition(" = ")[0]
