from __future__ import annotations

import re

import pytest

from ovstools.checks import registry
from ovstools.checks.coded import Code


def test_codes_are_unique() -> None:
    codes = [code.code for check in registry.CHECKS for code in check.codes]
    assert len(codes) == len(set(codes))


def test_check_names_are_unique() -> None:
    names = [check.name for check in registry.CHECKS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("code", registry.CODES.values(), ids=registry.CODES)
def test_a_code_explains_itself(code: Code) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code.code)
    assert code.summary[0].islower() or code.summary.startswith("/")
    assert not code.summary.endswith(".")
    assert len(code.explanation) > len(code.summary)
    assert code.explanation.rstrip(")").endswith(".")
