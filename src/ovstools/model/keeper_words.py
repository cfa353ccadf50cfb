"""What is said between the keeper and its clients: one packet asks, one packet answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Union

from . import lock_names

#: a longer packet is no request: the longest name has 255 characters
MAX_REQUEST = 512
#: names in one answer to list; the client asks for those after the last
PAGE = 256
_NO = re.compile(r"no (?P<code>[a-z]+) (?P<text>[^\n]+)", re.ASCII)
_LINE = re.compile(r"(?P<name>\S+) (?P<state>[a-z]+)", re.ASCII)


class Verb(Enum):
    """What a client may ask; put brings a descriptor, the answer to get has one."""

    PUT = "put"
    GET = "get"
    LIST = "list"
    DROP = "drop"


class No(Enum):
    """Why not."""

    MALFORMED = "malformed"
    HELD = "held"  #: the name is held already
    BUSY = "busy"  #: systemd has not confirmed the last change of this name yet
    UNKNOWN = "unknown"  #: nothing of this name is held
    UNFIT = "unfit"  #: the descriptor is not the lock that the name says
    FULL = "full"
    SYSTEMD = "systemd"  #: systemd's descriptor store cannot be reached


class LockState(Enum):
    """How it is with a name that the keeper has."""

    HELD = "held"
    STORING = "storing"  #: not yet acknowledged
    DROPPING = "dropping"
    LOST = "lost"  #: a descriptor is there, and carries no lock


@dataclass(frozen=True)
class Request:
    """A request; for list, name is the one to go on after, or empty."""

    verb: Verb
    name: str = ""


@dataclass(frozen=True)
class Yes:
    """It is done; states: what list found."""

    states: Mapping[str, LockState] = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """It is not done."""

    why: No
    text: str


Answer = Union[Yes, Refusal]


def format_request(request: Request) -> bytes:
    """Return the packet."""
    return f"{request.verb.value} {request.name}".rstrip().encode("ascii")


def parse_request(packet: bytes) -> Request | Refusal:
    """Read a packet; whatever it is, the answer is a value."""
    if len(packet) > MAX_REQUEST:
        return Refusal(No.MALFORMED, f"more than {MAX_REQUEST} bytes")
    word, space, name = packet.decode("ascii", "replace").partition(" ")
    try:
        verb = Verb(word)
    except ValueError:
        return Refusal(No.MALFORMED, "expected put, get, list or drop")
    if verb is Verb.LIST and not space:
        return Request(verb)
    if not lock_names.is_kept(name):
        return Refusal(No.MALFORMED, "expected a name: node-NODE or guest-GUEST")
    return Request(verb, name)


def format_answer(answer: Answer) -> bytes:
    """Return the packet."""
    if isinstance(answer, Refusal):
        return f"no {answer.why.value} {answer.text}".encode("ascii", "replace")
    lines = (f"{name} {state.value}" for name, state in answer.states.items())
    return "\n".join(("ok", *lines)).encode("ascii")


def parse_answer(packet: bytes) -> Answer:
    """Read a packet; raise ValueError when it is none of the keeper's."""
    first, *lines = packet.decode("ascii", "replace").split("\n")
    found = _NO.fullmatch(first)
    if found:
        return Refusal(No(found["code"]), found["text"])
    matches = [_LINE.fullmatch(line) for line in lines]
    if first != "ok" or not all(matches):
        raise ValueError(f"{first[:40]!r} is no answer of the keeper")
    return Yes({match["name"]: LockState(match["state"]) for match in matches if match})
