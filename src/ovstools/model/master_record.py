"""The master record: the content of locks/master, whose epoch rises at each take-over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Union

from . import sealed_block
from .sealed_block import Missing, Unreadable

KIND, FORMAT = "ovs-master", 1


@dataclass(frozen=True)
class MasterRecord:
    """Who holds or last held the master role, and its epoch; raises ValueError for odd words."""

    epoch: int
    master: str
    boot_id: str
    incarnation: str

    def __post_init__(self) -> None:
        """Refuse what would not come back as it was."""
        if not 0 <= self.epoch < 2**63:
            raise ValueError(f"epoch {self.epoch} is out of range")
        format_master(self)


MasterRead = Union[MasterRecord, Missing, Unreadable]


def format_master(record: MasterRecord) -> bytes:
    """Return the record as exactly 512 bytes, readable with cat."""
    values = {
        "epoch": str(record.epoch),
        "master": record.master,
        "boot": record.boot_id,
        "incarnation": record.incarnation,
    }
    return sealed_block.seal(KIND, FORMAT, values)


def parse_master(data: bytes) -> MasterRead:
    """Read the whole content of locks/master."""
    read = sealed_block.unseal(KIND, FORMAT, data)
    if not isinstance(read, sealed_block.Block):
        return read
    try:
        record = _record(read.values)
    except (KeyError, ValueError) as error:
        return Unreadable(f"a sound block without a sound record: {error}")
    exact = format_master(record) == data
    return record if exact else Unreadable("a sound block with values of another format")


def _record(values: Mapping[str, str]) -> MasterRecord:
    return MasterRecord(
        epoch=int(values["epoch"]),
        master=values["master"],
        boot_id=values["boot"],
        incarnation=values["incarnation"],
    )
