"""Coded findings and the checks that make them: the form that every check has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..model.findings import Finding, Severity, worst
from .view import View


@dataclass(frozen=True)
class Code:
    """What a finding's code means; codes are stable, scripts and monitoring rely on them."""

    code: str
    severity: Severity
    summary: str
    #: why it matters and what to do, for --explain
    explanation: str

    def found(self, text: str, *evidence: str, hint: str = "") -> Finding:
        """Make a finding with this code."""
        return Finding(self.code, self.severity, text, evidence, hint)


def always(view: View) -> bool:
    """Be the condition of a check that every server can answer."""
    return True


@dataclass(frozen=True)
class Check:
    """One thing that is looked at: its findings, or what was found good.

    needs: without it another check has said already what is missing, so this one is skipped.
    """

    name: str
    codes: tuple[Code, ...]
    look: Callable[[View], list[Finding]]
    good: Callable[[View], str]
    needs: Callable[[View], bool] = always

    def run(self, view: View) -> Outcome:
        """Judge a view."""
        if not self.needs(view):
            return Outcome(self, is_skipped=True)
        findings = tuple(self.look(view))
        is_bad = any(finding.severity > Severity.INFO for finding in findings)
        return Outcome(self, findings, "" if is_bad else self.good(view))


@dataclass(frozen=True)
class Outcome:
    """What a check came to."""

    check: Check
    findings: tuple[Finding, ...] = ()
    good: str = ""
    is_skipped: bool = False

    @property
    def status(self) -> str:
        """Say it in a word: ok, info, warning, error or skipped."""
        if self.is_skipped:
            return "skipped"
        severity = worst(self.findings)
        return "ok" if severity is None else severity.word


def check(
    name: str,
    *codes: Code,
    good: Callable[[View], str],
    needs: Callable[[View], bool] = always,
) -> Callable[[Callable[[View], list[Finding]]], Check]:
    """Make a check of a function that returns findings."""
    return lambda look: Check(name, codes, look, good, needs)
