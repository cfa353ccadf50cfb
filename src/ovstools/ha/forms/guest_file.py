"""guests/NAME.yaml: what the operator wants of a guest."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from ..wishes import (
    BACKUP,
    CONTAINER,
    CREATE,
    DISABLED,
    HONOUR,
    IGNORED,
    RESTART,
    STARTED,
    STOPPED,
    VM,
    After,
    Mark,
    Wish,
)
from . import shape
from .odd import Odd
from .reading import Read
from .shape import Reader
from .yaml_form import format_yaml, parse_yaml, unknown_keys

FORMAT = 1
AUTO, MANUAL = "auto", "manual"
#: the hypervisor that cannot move a running guest; see hypervisors/process.py
PROCESS = "process"


@dataclass(frozen=True)
class GuestFile:
    """The whole file; what wishes.Wish has as well means the same.

    uuid: empty when the definition has none. hypervisor: a libvirt URI, xl or process.
    definition: absolute path of its XML or vm.cfg. policy: `manual` allows no servers but the
    preferred ones. preferred_servers: tiers, best first. unknown: keys that mean nothing to this
    ovstools; misspelled ones, perhaps.
    """

    name: str
    uuid: str
    hypervisor: str
    definition: str
    state: str
    home: str
    repository: str = ""
    policy: str = AUTO
    preferred_servers: tuple[tuple[str, ...], ...] = ()
    failback: bool = True
    max_restart: int = 1
    max_relocate: int = 1
    priority: int = 100
    kind: str = VM
    cpu: float = 1.0
    mem_mb: int = 512
    stop_s: float = 60.0
    on_shutdown: str = HONOUR
    after: tuple[After, ...] = ()
    mark: Mark | None = None
    unknown: tuple[str, ...] = ()


def wish_of(file: GuestFile) -> Wish:
    """Return what the decision needs of it."""
    stays = file.hypervisor == PROCESS  # where it was started, whatever the file says
    return Wish(
        name=file.name,
        home=file.home,
        state=file.state,
        tiers=tuple(frozenset(tier) for tier in file.preferred_servers),
        strict=file.policy == MANUAL,
        failback=file.failback,
        max_restart=file.max_restart,
        max_relocate=file.max_relocate,
        priority=file.priority,
        kind=CONTAINER if stays else file.kind,
        cpu=file.cpu,
        mem_mb=file.mem_mb,
        mark=file.mark,
        stop_s=file.stop_s,
        repository=file.repository,
        on_shutdown=file.on_shutdown,
        after=file.after,
    )


def format_guest(file: GuestFile) -> bytes:
    """Return a new file; an existing one is changed by edit.with_changes()."""
    values = {each.name: getattr(file, each.name) for each in fields(file)}
    del values["unknown"]
    return format_yaml(FORMAT, {**values, **as_values(file)})


def as_values(file: GuestFile) -> dict[str, Any]:
    """Return what with_changes() writes for the keys that are lists or mappings."""
    tiers = [list(tier) for tier in file.preferred_servers]
    return {
        "preferred_servers": tiers[0] if len(tiers) == 1 else tiers,
        "after": [dict(each._asdict()) for each in file.after],
        "mark": None if file.mark is None else dict(file.mark._asdict()),
    }


def parse_guest(data: bytes, name: str) -> Read[GuestFile]:
    """Read the guest in the file of this name (without its ending)."""
    return parse_yaml(FORMAT, data, lambda value: _guest(value, name))


_HOST = r"(?:[A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])"
_PORT = r"(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])"
_after = shape.record(
    {
        "guest": shape.guest_name,
        "wait": shape.matching(
            rf"started|agent|tcp:{_HOST}:{_PORT}", "started, agent or tcp:HOST:PORT"
        ),
        "timeout_s": shape.seconds,
    },
    ("guest",),
)
_mark = shape.record(
    {"kind": shape.one_of(BACKUP, CREATE), "writer": shape.node_name}, ("kind", "writer")
)
_tier = shape.list_of(shape.node_name, "a list of servers")


def _tiers(value: Any) -> tuple[tuple[str, ...], ...]:
    """Read a list of servers, which is one tier, or a list of tiers."""
    if isinstance(value, list) and value and all(isinstance(each, list) for each in value):
        found = shape.list_of(_tier)(value)
    else:
        found = (_tier(value),) if value != [] else ()
    servers = [server for tier in found for server in tier]
    if len(set(servers)) < len(servers) or not all(found):
        raise Odd("each server once, and no empty tier", value)
    return found


READERS: dict[str, Reader[Any]] = {
    "name": shape.guest_name,
    "uuid": shape.or_empty(shape.uuid),
    "hypervisor": shape.matching(
        r"[a-z][a-z0-9]*:///[a-z0-9/._-]+|xl|process", "qemu:///system or such a URI, xl or process"
    ),
    "definition": shape.matching(
        r"/(?!\.\.?(?:/|$))[^/\x00-\x1f\x7f]+(?:/(?!\.\.?(?:/|$))[^/\x00-\x1f\x7f]+)*",
        "an absolute path",
    ),
    "state": shape.one_of(STARTED, STOPPED, DISABLED, IGNORED),
    "home": shape.node_name,
    "repository": shape.or_empty(shape.uuid),
    "policy": shape.one_of(AUTO, MANUAL),
    "preferred_servers": _tiers,
    "failback": shape.flag,
    "max_restart": shape.whole(0, 1000),
    "max_relocate": shape.whole(0, 1000),
    "priority": shape.whole(-1000000, 1000000),
    "kind": shape.one_of(VM, CONTAINER),
    "cpu": shape.number("a number above 0", above=0.0),
    "mem_mb": shape.whole(1, 2**40),
    "stop_s": shape.seconds,
    "on_shutdown": shape.one_of(HONOUR, RESTART),
    "after": shape.list_of(
        lambda value: After(**_after(value)), "a list of {guest, wait, timeout_s}"
    ),
    "mark": lambda value: Mark(**_mark(value)),
}
_file = shape.record(READERS, ("name", "hypervisor", "definition", "state", "home"), is_open=True)


def _guest(value: Any, name: str) -> GuestFile:
    values = _file(value)
    if values["name"] != name:
        raise Odd(f"{name}, as the file's name", value["name"]).below("name")
    if any(each.guest == name for each in values.get("after", ())):
        raise Odd("other guests", name, value["after"].line).below("after")
    values.setdefault("uuid", "")
    return GuestFile(**values, unknown=unknown_keys(value, READERS))
