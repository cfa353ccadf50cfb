"""Scopes of libvirt's guests (systemd 252, libvirt 9.0)."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from ovstools.model.scope import guest_of, parse_frozen, pattern_of
from tests.unit.model.captured import captured


def test_who_is_frozen() -> None:
    assert parse_frozen(captured("systemctl", "scopes-frozen")) == {7675}
    assert parse_frozen(captured("systemctl", "scopes")) == frozenset()
    assert parse_frozen("") == frozenset()


def test_the_pattern_means_one_container() -> None:
    scope = captured("systemctl", "scopes").splitlines()[0].partition("=")[2]
    assert fnmatchcase(scope, pattern_of(7675))
    assert not fnmatchcase(scope, pattern_of(767))
    assert not fnmatchcase(scope, pattern_of(675))


@pytest.mark.parametrize(
    "unit, guest",
    [
        (r"machine-qemu\x2d1\x2dweb1.scope", "web1"),
        (r"machine-qemu\x2d12\x2ddb\x2d2.scope", "db-2"),
        (r"machine-lxc\x2d3009\x2dct1.scope", "ct1"),
        (r"ovs-guest-web\x201.service", "web 1"),
        ("ovs-guest-web1.service", "web1"),
        ("libvirtd.service", ""),
        ("machine.slice", ""),
        ("", ""),
    ],
)
def test_whose_unit_it_is(unit: str, guest: str) -> None:
    assert guest_of(unit) == guest
