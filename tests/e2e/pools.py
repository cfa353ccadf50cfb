"""Where tests begin that need a pool, but are not about the making of one."""

from __future__ import annotations

from tests.e2e import journey
from tests.lab.lab import Lab


def ocfs2_root(lab: Lab) -> None:
    """Give blank servers a cluster root on OCFS2; no units are installed, no agent runs."""
    typist = journey.Typist()
    journey.configure(lab, typist)
    journey.make_cluster_root(lab, typist, "--format --journal-size 16M")
