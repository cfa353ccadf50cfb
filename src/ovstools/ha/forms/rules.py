"""rules.yaml: guests that must run together, and guests that must run apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..wishes import APART, TOGETHER, Rule
from . import shape
from .odd import Odd
from .reading import Read
from .yaml_form import format_yaml, parse_yaml

FORMAT = 1


def format_rules(rules: Iterable[Rule]) -> bytes:
    """Return a new file; an existing one is changed by edit.with_changes()."""
    return format_yaml(FORMAT, {"rules": as_values(rules)})


def as_values(rules: Iterable[Rule]) -> list[dict[str, list[str]]]:
    """Return what with_changes() writes for the key `rules`."""
    return [{rule.kind: sorted(rule.guests)} for rule in rules]


def parse_rules(data: bytes) -> Read[tuple[Rule, ...]]:
    """Read the file's bytes."""
    return parse_yaml(FORMAT, data, lambda value: _file(value).get("rules", ()))


_guests = shape.list_of(shape.guest_name, "a list of guests")


def _group(value: Any) -> frozenset[str]:
    found = _guests(value)
    if len(found) < 2 or len(set(found)) < len(found):
        raise Odd("two guests or more, each once", value)
    return frozenset(found)


_kinds = shape.record({TOGETHER: _group, APART: _group})


def _rule(value: Any) -> Rule:
    found = _kinds(value)
    if len(found) != 1:
        raise Odd(f"either {TOGETHER} or {APART}", value)
    kind, guests = next(iter(found.items()))
    return Rule(kind, guests)


_file = shape.record({"rules": shape.list_of(_rule, "a list of rules")}, is_open=True)
