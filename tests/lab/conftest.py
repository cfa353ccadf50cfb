"""The lab's own tests use its fixtures."""

from __future__ import annotations

from .plugin import lab, lab_instance, pytest_configure, pytest_runtest_makereport

__all__ = ["lab", "lab_instance", "pytest_configure", "pytest_runtest_makereport"]
