from __future__ import annotations

import pytest

from ovstools.model.findings import Finding, Severity, is_unhealthy, worst

INFO, WARNING, ERROR = (Finding(f"c{each}", each, "text") for each in Severity)


@pytest.mark.parametrize(
    ("findings", "severity", "unhealthy", "strictly"),
    [
        ([], None, False, False),
        ([INFO], Severity.INFO, False, False),
        ([WARNING, INFO], Severity.WARNING, False, True),
        ([INFO, ERROR, WARNING], Severity.ERROR, True, True),
    ],
)
def test_judged_once(
    findings: list[Finding], severity: Severity | None, unhealthy: bool, strictly: bool
) -> None:
    assert worst(findings) is severity
    assert is_unhealthy(findings) is unhealthy
    assert is_unhealthy(findings, strict=True) is strictly


def test_severities_are_ordered() -> None:
    assert Severity.INFO < Severity.WARNING < Severity.ERROR
    assert [each.word for each in Severity] == ["info", "warning", "error"]
