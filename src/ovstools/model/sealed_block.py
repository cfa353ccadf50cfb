"""One 512-byte block of text with a checksum: what is written in place below a lock.

A disk writes a sector whole or not at all, but a loop device, a network or a foreign hand gives
no such promise: a block that is torn, zeroed, cut or of another kind is never taken for a record.
The layout is the same in every format, so that an older ovstools knows a newer block from a
damaged one:

    KIND FORMAT LF  KEY=VALUE LF ...  spaces  LF "sha256=" 64 hex digits LF
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Union

SIZE = 512
_SEAL = b"\nsha256="
_BODY = SIZE - len(_SEAL) - 64 - 1
_HEADER = re.compile(r"(?P<kind>[a-z-]+) (?P<format>[1-9]\d{0,5})", re.ASCII)
_LINE = re.compile(r"(?P<key>[a-z-]+)=(?P<value>[!-~]+)", re.ASCII)


@dataclass(frozen=True)
class Missing:
    """The file is not there, or is empty: nobody ever wrote a record."""


@dataclass(frozen=True)
class Unreadable:
    """What is there is no record that can be relied on; is_newer: a later ovstools wrote it."""

    reason: str
    is_newer: bool = False


@dataclass(frozen=True)
class Block:
    """What a sound block says."""

    values: Mapping[str, str]


def seal(kind: str, format_number: int, values: Mapping[str, str]) -> bytes:
    """Return the block; raise ValueError when a value has odd characters or all is too long."""
    for key, value in values.items():
        if not _LINE.fullmatch(f"{key}={value}"):
            raise ValueError(f"{key}: {value!r} cannot be written")
    lines = [f"{kind} {format_number}", *(f"{key}={value}" for key, value in values.items())]
    body = "".join(f"{line}\n" for line in lines).encode("ascii")
    if len(body) > _BODY:
        raise ValueError(f"{len(body)} bytes of text, room for {_BODY}")
    return _sealed(body.ljust(_BODY))


def unseal(kind: str, format_number: int, data: bytes) -> Union[Block, Missing, Unreadable]:
    """Read a whole file's bytes as a block of this kind and format."""
    if not data:
        return Missing()
    if len(data) != SIZE:
        return Unreadable(f"{len(data)} bytes instead of {SIZE}")
    if not any(data):
        return Unreadable("all zeros")
    if data != _sealed(data[:_BODY]):
        return Unreadable("the checksum does not match")
    header, *lines = data[:_BODY].decode("ascii", "replace").rstrip(" ").split("\n")
    found = _HEADER.fullmatch(header)
    if not found or found["kind"] != kind:
        return Unreadable(f"no {kind} block: {header[:40]!r}")
    if int(found["format"]) != format_number:
        newer = int(found["format"]) > format_number
        return Unreadable(f"format {found['format']}, not {format_number}", is_newer=newer)
    matches = [_LINE.fullmatch(line) for line in lines[:-1]]
    values = {match["key"]: match["value"] for match in matches if match}
    if len(values) != len(matches) or lines[-1:] != [""]:
        return Unreadable("lines that are no KEY=VALUE, or twice the same key")
    return Block(values)


def _sealed(body: bytes) -> bytes:
    return body + _SEAL + hashlib.sha256(body).hexdigest().encode("ascii") + b"\n"
