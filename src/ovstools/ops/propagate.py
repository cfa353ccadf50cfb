"""--propagate: this server's configuration becomes the pool's, and goes to every other server.

White paper, "Adding a new Server to the pool": `ovs-cluster-check --master --alter-fstab
--propagate`. Each server is asked over ssh, all at once; one that is away finds the copy on the
cluster root when it comes back (catch_up.py), and the same command, run again, finishes the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ExitStatus, RefusedError
from ..model.cluster import Node
from ..model.config_standing import Own, Standing, differences, judge
from ..model.pool_config import PoolConfig
from ..system import ssh
from ..system.host import Host
from . import cluster_online, kept_config, others
from .cluster_nodes import own_node
from .others import Answered
from .plan import Report, Step, Table
from .receive_config import Letter, format_letter

HEADER = ("SERVER", "STATE", "CONFIGURATION")
WORDS = ("receive-config", "--json", "--lock-wait", "30")
#: beside the time that o2cb's start may take
MORE_S = 60.0


@dataclass
class Outcome:
    """What came of it, server by server; filled in when the servers are asked."""

    answers: tuple[Answered, ...] = ()


@dataclass(frozen=True)
class SendToAll:
    """Send the configuration to the other nodes, and see that they have it."""

    config: PoolConfig
    sender: str
    receivers: tuple[str, ...]
    outcome: Outcome = field(compare=False)

    def preview(self) -> str:
        """Return a comment for each server."""
        words = " ".join(("ovstools", *WORDS))
        return "\n".join(
            f"# ssh root@{name} {words}  < generation {self.config.generation}"
            for name in self.receivers
        )

    def preflight(self, host: Host) -> None:
        """Nothing is known of another server before it is asked."""

    def apply(self, host: Host) -> None:
        """Ask all; who does not answer, or not well, is named in the report."""
        limit_s = host.settings.limits.service_s + MORE_S
        commands = {}
        for name in self.receivers:
            text = format_letter(Letter(self.sender, name, self.config))
            paths = host.settings.paths
            commands[name] = ssh.remote_ovstools(paths, name, WORDS, text, limit_s)
        found = others.ask_all(host, commands)
        self.outcome.answers = tuple(_verified(each, self.config) for each in found)


def _verified(answer: Answered, config: PoolConfig) -> Answered:
    """Judge by what the server read back from its files, not by its exit status."""
    if answer.problem:
        return answer
    wanted = {each.uuid for each in config.repositories}
    has_all = wanted <= set(answer.data.get("repositories") or ())
    if answer.data.get("fingerprint") != config.fingerprint or not has_all:
        problem = "says it is done, but its files read back are not what was sent"
        return Answered(answer.server, answer.data, problem, "run the command again")
    return answer


@dataclass(frozen=True)
class Sending:
    """The steps of a propagation, what to say first, and where its outcome will be.

    keep: the copy for servers that are away; send: the record here, and all others.
    """

    keep: tuple[Step, ...]
    send: tuple[Step, ...]
    notices: tuple[str, ...]
    config: PoolConfig
    outcome: Outcome
    is_kept: bool = False  #: there is a place for a copy

    def around(self, here: Iterable[Step], is_removal: bool = False) -> tuple[Step, ...]:
        """Return all steps in order; here: those that change this server.

        A node that goes must be known here, by file or by copy, until all is done: else the same
        command, run again, would find no such node.
        """
        if not is_removal:
            return (*here, *self.keep, *self.send)
        return (*self.keep, *here, *self.send) if self.is_kept else (*self.send, *here)


def prepare(
    host: Host,
    own: Own,
    conf: str,
    removed: tuple[Node, ...] = (),
    to_all: bool = True,
    was: Own | None = None,
) -> Sending:
    """Return the steps that make this server's files the pool's.

    own, conf: this server's files as they are, or as earlier steps make them; was: as they were
    before those. removed: nodes that are being taken out. to_all: send it to the others now;
    else only keep it for them. Raises RefusedError when the pool has what these files lack.
    """
    me = own_node(host, own.cluster, host.settings.paths.cluster_conf)
    copy = kept_config.read_copy(host)
    if copy is not None:
        refuse_behind(own, copy, removed, was or own)
    config, notices = kept_config.gather(host, own, conf, copy, removed)
    keep = tuple(kept_config.keep_steps(host, copy, config))
    send: list[Step] = []
    is_kept = kept_config.has_place(host)
    if is_kept or to_all:
        send += kept_config.record_steps(host, config)
    outcome = Outcome()
    receivers = tuple(node.name for node in own.cluster.nodes if node != me)
    if to_all and receivers:
        title = f"send generation {config.generation} to {', '.join(receivers)}"
        send.append(Step(title, SendToAll(config, me.name, receivers, outcome)))
    if to_all and not is_kept:
        root = host.settings.paths.cluster_root
        notices = (*notices, f"{root} is not mounted: no copy is kept for servers that are away")
    return Sending(keep, tuple(send), notices, config, outcome, is_kept)


def plan_here(host: Host) -> tuple[tuple[Step, ...], Sending]:
    """Return what --propagate does: the same for the running kernel here, and for all others."""
    path = host.settings.paths.cluster_conf
    own = kept_config.read_own(host)
    text = host.read(path) or ""
    sending = prepare(host, own, text)
    removed = [node.name for node in sending.config.removed]
    here = cluster_online.steps(host, text, own.cluster, own.timing, removed)
    return sending.around(here), sending


def refuse_behind(own: Own, copy: PoolConfig, removed: tuple[Node, ...], was: Own) -> None:
    """Raise RefusedError when these files lack what the pool has: they are not its newest.

    was: what this server had before the change that is being made.
    """
    standing = judge(was, copy)
    is_behind = was.record is not None and was.record.generation < copy.generation
    present = {node.name for node in (*own.cluster.nodes, *removed)}
    lost = [node for node in copy.cluster.nodes if node.name not in present]
    if judge(own, copy) is Standing.SAME or standing is Standing.SAME:
        return
    if standing is not Standing.OLDER and not is_behind and not lost:
        return
    if standing is Standing.OLDER:
        hint = "bring this server up to date first: ovstools repositories reload"
    elif is_behind or not lost:
        hint = ("it was edited here, and changed in the pool since: put the lines above right by "
                "hand, as the pool has them, then make your change anew")  # fmt: skip
    else:
        hint = f"to take a server out: ovs-cluster-configure --remove {lost[0].name}"
    raise RefusedError(
        "this server's configuration is not the pool's newest, "
        f"generation {copy.generation} on the cluster root",
        *differences(was, copy),
        hint=hint,
    )


def rows_of(sending: Sending, here: str) -> tuple[tuple[str, ...], ...]:
    """Return a row for each server."""
    generation = f"generation {sending.config.generation}"
    rows = [(here, "here", generation)]
    for each in sending.outcome.answers:
        if each.problem:
            rows.append((each.server, "FAILED", each.problem))
        else:
            state = "done" if each.data.get("changed") else "already so"
            said = [str(line) for line in each.data.get("said") or ()]
            rows.append((each.server, state, "; ".join([generation, *said])))
    return tuple(rows)


def report(host: Host, sending: Sending, changed: bool) -> Report:
    """Return the answer: a row a server; 6 when some failed."""
    answers = sending.outcome.answers
    failures = others.failed(answers)
    data: dict[str, Any] = {
        "changed": changed,
        "generation": sending.config.generation,
        "servers": [_data_of(each) for each in answers],
        "failed": list(failures),
    }
    rows = rows_of(sending, host.hostname())
    styles = tuple("bold red" if row[1] == "FAILED" else "" for row in rows)
    lines = ("", *others.problem_lines(answers, "not propagated")) if failures else ()
    status = ExitStatus.PARTIAL if failures else ExitStatus.OK
    return Report(lines, data, status, Table(HEADER, rows, styles))


def _data_of(each: Answered) -> Mapping[str, Any]:
    return {
        "name": each.server,
        "ok": not each.problem,
        "changed": bool(each.data.get("changed")),
        "problem": each.problem,
        "said": list(each.data.get("said") or ()),
    }
