"""The units of a pool's server, in the order in which they start."""

from __future__ import annotations

from . import o2cb

O2CB = o2cb.UNIT
OCFS2 = "ocfs2.service"
REPOSITORIES = "ovsrepositories.service"
KEEPER = "ovs-locks.service"
AGENT = "ovs-agent.service"
