"""`xl list`, in the format of Xen's source (tools/xl/xl_info.c): no Xen host was at hand."""

from __future__ import annotations

import pytest

from ovstools.model.xl_domain import XlDomain, parse_xl_list

HEADER = "Name                                        ID   Mem VCPUs\tState\tTime(s)\n"
FORMAT = "{:<40} {:5d} {:5d} {:5d}     {}  {:8.1f}\n"


def listing(*domains: tuple[str, int, str]) -> str:
    """Print domains as list_domains() does: name, id, flags."""
    lines = (FORMAT.format(name, number, 512, 1, flags, 12.3) for name, number, flags in domains)
    return HEADER + "".join(lines)


def test_list() -> None:
    text = listing(
        ("Domain-0", 0, "r-----"),
        ("web1", 3, "-b----"),
        ("with space", 4, "--p---"),
        ("a-name-that-is-longer-than-the-column-is-wide", 5, "---s--"),
        ("db1", 6, "---sc-"),
        ("gone", 7, "---s-d"),
        ("(null)", 8, "-----d"),
    )
    assert parse_xl_list(text) == {
        "Domain-0": XlDomain("Domain-0", 0),
        "web1": XlDomain("web1", 3),
        "with space": XlDomain("with space", 4, paused=True),
        "a-name-that-is-longer-than-the-column-is-wide": XlDomain(
            "a-name-that-is-longer-than-the-column-is-wide", 5, shutdown=True
        ),
        "db1": XlDomain("db1", 6, shutdown=True, reason="c"),
        "gone": XlDomain("gone", 7, shutdown=True, dying=True),
    }


@pytest.mark.parametrize("text", ["", "xl: no daemon\n", HEADER + "web1 3 512 1 ------\n"])
def test_half_an_answer_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="xl list: expected"):
        parse_xl_list(text)
