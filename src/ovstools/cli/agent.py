"""`ovs-cluster-check --daemon`: what ovs-agent.service runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import RefusedError, UsageError
from . import perform
from .options import Choices


def run(chosen: Choices, others: Mapping[str, Any]) -> int:
    """Be this server's HA agent, in the foreground; no other option goes with it."""
    from ..ha import agent_run  # here: no check needs it

    given = sorted(name.replace("_", "-") for name, value in others.items() if value)
    if given:
        raise UsageError(f"--daemon goes with no other option, and --{given[0]} was given")
    host = perform.make_host(chosen)
    if not host.is_root():
        raise RefusedError("the agent needs root", hint="systemctl start ovs-agent.service")
    return agent_run.run(host)
