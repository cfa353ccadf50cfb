"""`vm add` for a name that is under HA already: the same guest again, or another one."""

from __future__ import annotations

from ...errors import RefusedError
from ...model.xen_cfg import XL
from ..forms.guest_file import GuestFile
from . import definition, in_libvirt, storage
from .answer import Answer
from .domain_xml import with_uuid
from .guest_source import Request
from .session import Session
from .steps import Forget, ForgetGuest
from .work import Stage, Step, Work


def already(session: Session, request: Request, old: GuestFile) -> Work:
    """Say that a guest is under HA; finish what an earlier run may have left in libvirt's list.

    Raises RefusedError when it is another guest that is to be added.
    """
    stages: tuple[Stage, ...] = ()
    if request.domain is not None and ":///" in old.hypervisor:
        known = in_libvirt.look(session.host, old.hypervisor, request.name)
        if known is not None:
            text = in_libvirt.definition_of(session.host, old.hypervisor, request.name)
            found = definition.parse(text, f"domain {request.name}", old.hypervisor)
            _demand(not old.uuid or found.uuid in ("", old.uuid), old, f"UUID {found.uuid}")
            if not known.is_running:
                stages = (forgetting(old.hypervisor, request.name),)
    elif request.path is not None:
        _demand(_is_same(session, request.path, old), old, request.path)
    said = f"{request.name} is already under HA: {old.definition}"
    return Work(stages, Answer((said,), {"guest": request.name, "changed": bool(stages)}))


def forgetting(uri: str, name: str) -> Stage:
    """Take a domain that is off out of libvirt's list."""
    title = f"take {name} out of libvirt's list here: it is defined at each start"
    return Stage((Step(title, Forget(uri, ForgetGuest(name))),))


def _demand(is_same: bool, old: GuestFile, given: str) -> None:
    if not is_same:
        raise RefusedError(
            f"{old.name} is the name of another guest under HA",
            f"there: {old.definition} {old.uuid}".rstrip(),
            f"given: {given}",
            hint="ovstools vm add ANOTHER-NAME ...; or, while it is off: "
            f"ovstools vm set {old.name} definition=PATH",
        )


def _is_same(session: Session, path: str, old: GuestFile) -> bool:
    """Compare by place, UUID or content; a definition that is gone can be nobody else's."""
    real = storage.real_paths(session.host, [path], False)[path]
    texts = storage.read_anywhere(session, [real, old.definition])
    given, there = texts[real], texts[old.definition]
    if real == old.definition or not isinstance(given, str) or given == there:
        return True
    found = definition.parse(given, real)
    if found.name and not found.uuid and old.uuid and found.hypervisor != XL:
        return there == with_uuid(given, old.uuid)
    return bool(old.uuid) and found.uuid == old.uuid
