"""Partition tables as sfdisk prints them, and how far a partition can grow."""

from __future__ import annotations

import pytest

from ovstools.errors import ParseError
from ovstools.model.partitions import Partition, PartitionTable, parse_table
from tests.unit.model.captured import captured

MIB = 2048  # sectors


def test_gpt() -> None:
    table = parse_table(captured("sfdisk", "gpt"))
    linux = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
    assert table == PartitionTable("gpt", 512, (Partition(1, 2048, 200000, linux),))
    assert not table.is_logical(table.partitions[0])


def test_dos_with_an_extended_partition() -> None:
    table = parse_table(captured("sfdisk", "dos-logical"))
    assert [each.number for each in table.partitions] == [1, 2, 5]
    one, extended, logical = table.partitions
    assert table.find(5) == logical and table.find(3) is None
    assert [table.is_logical(each) for each in table.partitions] == [False, True, True]
    assert table.behind(one) == (extended, logical) and table.behind(logical) == ()


@pytest.mark.parametrize("node, number", [("/dev/sdb12", 12), ("/dev/nvme0n1p3", 3)])
def test_numbers(node: str, number: int) -> None:
    device = "/dev/sdb" if "sdb" in node else "/dev/nvme0n1"
    row = f'{{"node": "{node}", "start": 1, "size": 2, "type": "83"}}'
    text = f'{{"partitiontable": {{"label": "dos", "device": "{device}", "partitions": [{row}]}}}}'
    assert parse_table(text).partitions[0].number == number


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"partitiontable": {"label": "dos"}}'])
def test_what_is_no_table(text: str) -> None:
    with pytest.raises(ParseError):
        parse_table(text)


@pytest.mark.parametrize(
    "label, sector, size, disk_mib, wanted",
    [
        ("dos", 512, 32 * MIB, 64, 63 * MIB),  # it begins at 1 MiB
        ("gpt", 512, 32 * MIB, 64, 62 * MIB),  # the table's backup is behind it
        ("dos", 512, 63 * MIB, 64, 63 * MIB),
        ("dos", 512, 63 * MIB - 2, 64, 63 * MIB - 2),  # less than 1 MiB is no room
        ("dos", 512, 63 * MIB, 32, 63 * MIB),  # never smaller
        ("dos", 4096, 256, 64, 63 * 256),
        ("dos", 512, 32 * MIB, 4 * 2**20, 2**32 - 1 - MIB),  # 2 TiB are all that it can count
    ],
)
def test_largest(label: str, sector: int, size: int, disk_mib: int, wanted: int) -> None:
    here = Partition(1, 2**20 // sector, size, "83")
    assert PartitionTable(label, sector, (here,)).largest(here, disk_mib * 2**20) == wanted
