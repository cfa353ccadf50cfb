"""A lab of real Debian servers in QEMU, with a shared SAN, for tests of ovstools."""

from __future__ import annotations

from .errors import LabError
from .lab import Lab
from .outcome import Outcome
from .server import Server

__all__ = ["Lab", "LabError", "Outcome", "Server"]
