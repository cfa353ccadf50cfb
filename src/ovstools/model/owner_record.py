"""The owner record: the content of locks/guest-NAME, written by the lock's holder alone.

It names every node where the guest may be, so that a start elsewhere knows whose death or
release to prove. The guest's name is the file's; the record has its UUID.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Union

from . import sealed_block
from .sealed_block import Missing, Unreadable

__all__ = ["GuestState", "Missing", "OwnerRecord", "RecordRead", "Unreadable", "format_record",
           "parse_record"]  # fmt: skip

KIND, FORMAT = "ovs-owner", 1
SIZE = sealed_block.SIZE
MAX_NODE_NUMBER = 254
MAX_COUNT = 2**63 - 1
_WORD = re.compile(r"[!-<>-~]+", re.ASCII)
_NUMBER = re.compile(r"0|[1-9]\d*", re.ASCII)
_ORDER = re.compile(r"(?P<epoch>0|[1-9]\d*)\.(?P<sequence>0|[1-9]\d*)", re.ASCII)
#: begins the incarnation in a record that no agent wrote, but the hook at a start by hand
BY_HAND = "hook-"
#: the longest word of each kind; with all of them the text still fits the block
_LENGTHS = {"guest_uuid": 36, "owner": 64, "boot_id": 36, "incarnation": 36, "target": 64}


class GuestState(Enum):
    """What the owner was about to do, or has done, with its guest."""

    STARTING = "starting"
    RUNNING = "running"
    MIGRATING = "migrating"
    STOPPED = "stopped"


@dataclass(frozen=True)
class OwnerRecord:
    """Who has the guest, since which boot and incarnation of its agent, and by which order.

    target: the other end of a migration, only in state migrating. order: (epoch, sequence), None
    for a start by hand. sequence rises with every write. Raises ValueError when a value cannot
    be written.
    """

    guest_uuid: str
    owner: str
    owner_number: int
    boot_id: str
    incarnation: str
    state: GuestState
    target: str | None = None
    order: tuple[int, int] | None = None
    sequence: int = 0

    def __post_init__(self) -> None:
        """Refuse what would not come back as it was."""
        for name, longest in _LENGTHS.items():
            value = getattr(self, name)
            if value is None and name == "target":
                continue
            if not _WORD.fullmatch(value) or len(value) > longest:
                raise ValueError(f"{name}: {value!r} is no word of at most {longest} characters")
        if not 0 <= self.owner_number <= MAX_NODE_NUMBER:
            raise ValueError(f"owner_number: {self.owner_number} is no node number")
        for count in (self.sequence, *(self.order or ())):
            if not 0 <= count <= MAX_COUNT:
                raise ValueError(f"{count} is out of range")
        if (self.target is not None) != (self.state is GuestState.MIGRATING):
            raise ValueError(f"state {self.state.value} with target {self.target!r}")

    @property
    def is_by_hand(self) -> bool:
        """Tell whether the hook wrote it: the hypervisor was about to start the guest."""
        return self.state is GuestState.STARTING and self.incarnation.startswith(BY_HAND)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Return the nodes where the guest may be: the owner, and a migration's other end."""
        return (self.owner,) if self.target is None else (self.owner, self.target)


RecordRead = Union[OwnerRecord, Missing, Unreadable]


def format_record(record: OwnerRecord) -> bytes:
    """Return the record as exactly 512 bytes, readable with cat."""
    values = {
        "guest": record.guest_uuid,
        "owner": record.owner,
        "number": str(record.owner_number),
        "boot": record.boot_id,
        "incarnation": record.incarnation,
        "state": record.state.value,
    }
    if record.target is not None:
        values["target"] = record.target
    if record.order is not None:
        values["order"] = f"{record.order[0]}.{record.order[1]}"
    values["sequence"] = str(record.sequence)
    return sealed_block.seal(KIND, FORMAT, values)


def parse_record(data: bytes) -> RecordRead:
    """Read the whole content of a guest's lock file."""
    read = sealed_block.unseal(KIND, FORMAT, data)
    if not isinstance(read, sealed_block.Block):
        return read
    try:
        record = _record(read.values)
        is_exact = format_record(record) == data
    except (KeyError, ValueError) as error:
        return Unreadable(f"a sound block without a sound record: {error}")
    return record if is_exact else Unreadable("a sound block with values of another format")


def _record(values: Mapping[str, str]) -> OwnerRecord:
    return OwnerRecord(
        guest_uuid=values["guest"],
        owner=values["owner"],
        owner_number=_number(values["number"]),
        boot_id=values["boot"],
        incarnation=values["incarnation"],
        state=GuestState(values["state"]),
        target=values.get("target"),
        order=_order(values["order"]) if "order" in values else None,
        sequence=_number(values["sequence"]),
    )


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is no number")
    return int(text)


def _order(text: str) -> tuple[int, int]:
    found = _ORDER.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no order")
    return int(found["epoch"]), int(found["sequence"])
