"""Where the definition of a guest that is to come under HA is, and where it goes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from ...errors import RefusedError, UsageError
from ...model.guest_definition import GuestDefinition
from ...model.xen_cfg import XL
from ..forms.guest_file import GuestFile
from ..wishes import DISABLED, IGNORED, STARTED, STOPPED
from . import definition, in_libvirt, storage
from .domain_xml import with_uuid
from .in_libvirt import Known
from .session import Session
from .storage import Store

RUNNING_POOL = "running_pool"
STATES = (STARTED, STOPPED, DISABLED, IGNORED)


@dataclass(frozen=True)
class Request:
    """What is asked for; path or domain says where the definition is.

    state None: started when it runs here, else stopped. in_place: definition and images stay where
    they are, in a repository or not.
    """

    name: str
    path: str | None = None
    domain: str | None = None
    uri: str | None = None
    state: str | None = None
    preferred: tuple[str, ...] = ()
    in_place: bool = False


@dataclass(frozen=True)
class Source:
    """A definition as it was found; path: where it is, empty: in libvirt only."""

    text: str
    path: str
    found: GuestDefinition
    known: Known | None
    is_from_libvirt: bool


@dataclass(frozen=True)
class Target:
    """Where the definition goes: the text for it, None when it is there as it is."""

    path: str
    store: Store | None
    text: str | None


def find(session: Session, request: Request) -> Source:
    """Return the definition. Raises RefusedError, UsageError."""
    host = session.host
    if (request.path is None) == (request.domain is None):
        raise UsageError("either a definition or --from-libvirt DOMAIN is needed, and not both")
    if request.domain is not None:
        uri = in_libvirt.find_uri(host, request.domain, request.uri)
        text = in_libvirt.definition_of(host, uri, request.domain)
        found = definition.parse(text, f"virsh -c {uri} dumpxml {request.domain}", uri)
        path = ""
    else:
        path = storage.real_paths(host, [str(request.path)], False)[str(request.path)]
        read = storage.read_anywhere(session, [path])[path]
        if not isinstance(read, str):
            raise RefusedError(f"{path}: {'it is missing' if read is None else read.reason}")
        text, found = read, definition.parse(read, path)
    found = replace(found, hypervisor=uri if path == "" else request.uri or found.hypervisor)
    _demand_same_name(request.name, found, path)
    known = None
    if ":///" in found.hypervisor:
        known = in_libvirt.look(host, found.hypervisor, request.name)
    elif found.hypervisor == XL:
        known = in_libvirt.look_xl(host, request.name)
    return Source(text, path, found, known, path == "")


def _demand_same_name(name: str, found: GuestDefinition, path: str) -> None:
    if found.name and found.name != name:
        hint = f"ovstools vm add {found.name} ..."
        if not path:
            hint += f"; or, while it is off: virsh domrename {found.name} {name}"
        raise RefusedError(
            f"the definition is of {found.name}, not of {name}: they must agree", hint=hint
        )


def target_of(
    session: Session, request: Request, source: Source, homes: tuple[Store, ...],
    stores: tuple[Store, ...], old: GuestFile | None,
) -> tuple[Source, Target]:  # fmt: skip
    """Return where the definition goes, and the definition with a UUID if it had none."""
    is_inside = bool(source.path) and storage.store_of(stores, source.path) is not None
    if request.in_place or is_inside:
        if not source.path:
            raise UsageError("--in-place needs a definition's path, which --from-libvirt has not")
        if not source.found.uuid and source.found.name and source.found.hypervisor != XL:
            raise RefusedError(
                f"{source.path} has no <uuid>: libvirt would make another at each start",
                hint=f"put this line behind <name>: <uuid>{uuid.uuid4()}</uuid>",
            )
        store = storage.store_of(stores, source.path)
        return source, Target(source.path, store, None)
    if not stores:
        raise RefusedError(
            "no repository is mounted here: there is no place for the definition",
            hint="ovstools repositories start; --in-place leaves it where it is",
        )
    store = homes[0] if homes else next((s for s in stores if s.is_root), stores[0])
    name = definition.file_name(source.found.hypervisor)
    path = f"{store.mountpoint}/{RUNNING_POOL}/{request.name}/{name}"
    there = storage.read_anywhere(session, [path])[path]
    source = _with_uuid(source, old, there)
    if isinstance(there, str) and there != source.text:
        raise RefusedError(
            f"{path} is there, and is another definition",
            hint=f"to use that one: ovstools vm add {request.name} {path}; else move it away",
        )
    return source, Target(path, store, None if there == source.text else source.text)


def _with_uuid(source: Source, old: GuestFile | None, there: object) -> Source:
    """Give a definition without UUID one, the same when the command is run again."""
    if source.found.uuid or not source.found.name:
        return source
    made = old.uuid if old is not None else ""
    if not made and isinstance(there, str):
        made = definition.parse(there, "what an earlier run left", source.found.hypervisor).uuid
    made = made or uuid.uuid4().hex.upper()
    text = source.text if source.found.hypervisor == XL else with_uuid(source.text, made)
    return replace(source, text=text, found=replace(source.found, uuid=made))
