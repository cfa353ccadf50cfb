"""ssh-setup: the pool's servers log in on each other as root, by keys of the pool's own.

Each server publishes its host keys and its public key on the pool file system, and takes over
what the others publish: run on each, in any order, and again for newcomers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from ..errors import OvsError, RefusedError
from ..model.authorized_keys import AuthorizedKeys
from ..model.cluster import Node
from ..model.ssh_keys import (
    MARK,
    authorized_line,
    client_config,
    format_published,
    known_hosts,
)
from ..system import pool_fs, ssh
from ..system.host import Host
from . import published_keys
from .key_pair import MakeKeyPair, RemoveKey
from .plan import Edit, MakeDirectory, Plan, Report, Run, Step, Table, edit_step, folder_of
from .published_keys import Servers

HEADER = ("SERVER", "STATE")
REACHED, NOT_YET = "root logs in there", "does not let us in yet: run ovstools ssh-setup there"
SILENT = "has published nothing yet: run ovstools ssh-setup there"


@dataclass(frozen=True)
class Request:
    """The words of the command line."""

    remove: bool = False


def plan(host: Host, request: Request) -> Plan:
    """Plan what publishes this server's keys, and takes over the others'; or the removal."""
    if host.offline:
        raise RefusedError("with --root there is no pool file system")
    return _removal(host) if request.remove else _set_up(host)


def _set_up(host: Host) -> Plan:
    paths = host.settings.paths
    folder = pool_fs.demand(host).folder
    me, _ = published_keys.read_nodes(host)
    target = published_keys.path_of(folder, me)
    key = ssh.key_path(paths)
    steps = _folders(host, paths.ssh, 0o700)
    if host.kind(key) != "file":
        steps.append(Step(f"make {key}", MakeKeyPair(key, f"{MARK}{me.name}")))
        return Plan(tuple(steps), notices=("it is published after that",), look_again=True)
    own = published_keys.own(host, me)
    steps += _edit(host, f"{key}.pub", f"{own.login} {MARK}{me.name}\n")
    steps += _folders(host, folder, 0o700) + _folders(host, folder_of(target), 0o700)
    steps += _edit(host, target, format_published(me.name, own), 0o600)
    servers = published_keys.read_others(host, folder)
    hosts = known_hosts({me: own, **servers.published})
    steps += _edit(host, ssh.known_hosts_path(paths), hosts)
    notices = [f"{name}: left alone: {why}" for name, why in servers.unusable.items()]
    if host.kind(folder_of(paths.ssh_config)) == "directory":
        nodes = (me, *servers.published)
        text = client_config(nodes, ssh.known_hosts_path(paths))
        steps += _edit(host, paths.ssh_config, text)
    else:
        notices.append(f"there is no {folder_of(paths.ssh_config)}: libvirt will not know the keys")
    steps += _authorized_steps(host, servers)
    after = partial(_report, servers, bool(steps))
    return Plan(tuple(steps), notices=tuple(notices), report_after=after)


def _authorized_steps(host: Host, servers: Servers) -> list[Step]:
    path = host.settings.paths.authorized_keys
    text = host.read(path)
    wanted = {node.name: authorized_line(node, keys) for node, keys in servers.published.items()}
    after = str(AuthorizedKeys.parse(text or "").with_servers(wanted, servers.unusable))
    if after == (text or ""):
        return []
    return _folders(host, folder_of(path), 0o700) + _edit(host, path, after, 0o600)


def _removal(host: Host) -> Plan:
    paths = host.settings.paths
    steps: list[Step] = []
    text = host.read(paths.authorized_keys)
    if text is not None:
        after = str(AuthorizedKeys.parse(text).with_servers({}))
        if after != text:
            new = after or None  # it had our lines alone: then we made it
            steps.append(Step(f"take our lines out of {paths.authorized_keys}",
                              Edit(paths.authorized_keys, text, new, 0o600)))  # fmt: skip
    notices = ["the other servers forget this one when ovstools ssh-setup runs there again"]
    steps += _removed(host, *_published_path(host, notices))
    key = ssh.key_path(paths)
    ours = [ssh.known_hosts_path(paths), *(f"{key}{end}" for end in (".pub", ".new.pub"))]
    steps += _removed(host, paths.ssh_config, *ours)
    secrets = [name for name in (key, f"{key}.new") if host.kind(name) == "file"]
    steps += [Step(f"remove {name}", RemoveKey(name)) for name in secrets]
    left = {f"{paths.ssh}/{name}" for name in host.names(paths.ssh)} - {*ours, *secrets}
    if host.kind(paths.ssh) == "directory" and not left:
        steps.append(Step(f"remove {paths.ssh}", Run(ssh.remove_folder(paths.ssh))))
    already = "" if steps else "already "
    line = f"this server's keys for the pool are {already}removed"
    report = Report((line,), {"changed": bool(steps)})
    return Plan(tuple(steps), report, tuple(notices) if steps else ())


def _published_path(host: Host, notices: list[str]) -> list[str]:
    """Return where this server publishes; with a notice, nothing where that cannot be reached."""
    try:
        me, _ = published_keys.read_nodes(host)
        return [published_keys.path_of(pool_fs.demand(host).folder, me)]
    except OvsError as error:
        notices.append(f"what this server published stays there: {error.what}")
        return []


def _removed(host: Host, *paths: str) -> list[Step]:
    found = [(path, host.read(path)) for path in paths]
    return [
        Step(f"remove {path}", Edit(path, text, None)) for path, text in found if text is not None
    ]


def _edit(host: Host, path: str, text: str, mode: int = 0o644) -> list[Step]:
    return edit_step(f"write {path}", path, host.read(path), text, mode)


def _folders(host: Host, path: str, mode: int) -> list[Step]:
    if host.kind(path) == "directory":
        return []
    return [Step(f"make {path}", MakeDirectory(path, mode))]


def _report(servers: Servers, changed: bool, host: Host) -> Report:
    """Try the way to each server that has published its keys: files alone prove nothing."""
    states = {node.name: _state(host, node) for node in servers.published}
    states.update({node.name: SILENT for node in servers.silent})
    states.update(servers.unusable)
    rows = tuple(sorted(states.items()))
    data = {
        "server": servers.me.name,
        "changed": changed,
        "servers": [{"name": name, "ok": state == REACHED, "is": state} for name, state in rows],
    }
    already = "" if changed else "already "
    line = f"{servers.me.name} has {already}published its keys, and takes those of the others"
    return Report((line,), data, table=Table(HEADER, rows) if rows else None)


def _state(host: Host, node: Node) -> str:
    result = host.run(ssh.try_login(host.settings.paths, node.name))
    if result.status == 0:
        return REACHED
    said = result.stderr.strip().splitlines()
    return f"{NOT_YET} ({said[-1]})" if said else NOT_YET
