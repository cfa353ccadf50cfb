"""One server of a try: its first process, which keeps keeper and agent running."""

from __future__ import annotations

import os
import sys
import uuid
from pathlib import Path

from ...errors import RefusedError
from ...settings import PREFIX
from ...system import child, lock
from ...system.clock import Clock
from ...system.runner import ENVIRONMENT
from ...system.talk import Talk
from ..agent_run import serve
from ..driver.place import Place
from ..keeper_client import KeeperClient
from ..kept_locks import SOCKET
from ..observation import Identity
from ..pool_io import PoolIo
from . import power
from .bare_process import BareProcesses
from .layout import Trial, command
from .membership import GroupMembership

RESTART_S = 0.5
AGENT_LOCK = "agent.lock"
CPUS, MEMORY_MB = 4.0, 4096


def boot(trial: Trial, node: str, program: Path) -> None:
    """Be a server's first process: hold its power, and start what ends, again and again.

    Raises RefusedError in a session of somebody else's: a power cut ends the whole session.
    """
    if os.getsid(0) != os.getpid():
        raise RefusedError(
            "boot is what power-on runs", hint=command(trial.folder, "power-on", node)
        )
    descriptors = power.take(trial, node)
    boot_id = str(uuid.uuid4())
    base = [sys.executable, str(program)]
    environment = {**ENVIRONMENT, f"{PREFIX}PATHS__RUN": str(trial.run(node)), "OVS_BOOT": boot_id}
    log = os.open(trial.log(node), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    words = {
        "keeper": [*base, "keeper"],
        "agent": [*base, "ha-try", "--dir", str(trial.folder), "agent", node],
    }
    running: dict[int, str] = {}
    while descriptors:
        for name in words.keys() - running.values():
            running[child.spawn_captured(words[name], log, log, environment)] = name
        pid, _ = os.wait()
        if running.pop(pid, None):
            Clock().sleep(RESTART_S)


def run_agent(trial: Trial, node: str, talk: Talk) -> None:
    """Run the agent of a server of a try. Raises BusyError when there is one."""
    run = trial.run(node)
    with lock.held(run / AGENT_LOCK, f"agent of {node}", 0, Clock()):
        serve(lambda: place(trial, node, talk), talk.notice)


def place(trial: Trial, node: str, talk: Talk) -> Place:
    """Return the surroundings of the agent of a server of a try."""
    identity = Identity(
        node=node,
        boot=os.environ.get("OVS_BOOT", "by-hand"),
        incarnation=str(uuid.uuid4()),
        numbers=trial.numbers,
        dead_s=trial.dead_s,
        cpu=CPUS,
        mem_mb=MEMORY_MB,
    )
    run = trial.run(node)
    return Place(
        identity=identity,
        io=PoolIo(str(trial.pool), device=os.stat(trial.pool).st_dev),
        keeper=KeeperClient(str(run / SOCKET)),
        membership=GroupMembership(trial, node),
        hypervisors=(BareProcesses(run, node),),
        run=run,
        say=talk.notice,
        notify=trial.notify,
    )
