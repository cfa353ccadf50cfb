"""Scopes of libvirt's containers (systemd 252, libvirt 9.0)."""

from __future__ import annotations

from fnmatch import fnmatchcase

from ovstools.model.scope import parse_frozen, pattern_of
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
