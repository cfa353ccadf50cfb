"""`ovstools vm clone`: another guest like one that is off, on copies of its images.

Its file comes first, marked `create`, which keeps it from being started: after a kill -9 the same
command finishes the job. The source's lock is held while its images are copied, by the programs
that copy as well, so that nobody starts it meanwhile.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...errors import RefusedError
from ...model import xen_cfg
from ...model.command import Command
from ...model.guest_definition import Image, ImageKind
from ...model.xen_cfg import XL
from ..forms.guest_file import PROCESS, GuestFile, format_guest
from ..wishes import CREATE, STOPPED, Mark
from . import definition, domain_xml, guests, storage
from .answer import Answer
from .edits import edit
from .guest_add import check_name
from .guest_settings import demand_off
from .guest_source import RUNNING_POOL
from .pool_view import PoolView, guest_path
from .session import Session
from .steps import Run, WriteFile
from .work import Stage, Step, Work

#: a copy without reflink may take long; storage that hangs for a day is given up
COPY_S = 86400.0
PARTIAL = ".partial"
#: vendors' prefixes for machines' own MACs: QEMU's and Xen's
_MACS = {XL: "00:16:3e"}


@dataclass(frozen=True)
class Copies:
    """What is copied where, and the images that both guests will use."""

    paths: Mapping[str, str]
    shared: tuple[Image, ...]


def plan(session: Session, source: str, new: str) -> Work:
    """Look at the source, and plan the copies."""
    check_name(new)
    view = session.view()
    file = guests.demand(view, source)
    _demand_utility(session, view, source, new)
    old = _leftover(view, new)
    demand_off(view, source, "to be cloned")
    if file.mark is not None:
        raise RefusedError(f"{source} is marked {file.mark.kind} by {file.mark.writer}")
    text = storage.read_anywhere(session, [file.definition])[file.definition]
    if not isinstance(text, str):
        reason = "it is missing" if text is None else text.reason
        raise RefusedError(f"{file.definition}: {reason}")
    images = definition.parse(text, file.definition, file.hypervisor).images
    copies = _copies(session, file, new, images)
    target = _renamed(session, file.definition, source, new)
    there = storage.existing(session.host, [*copies.paths.values(), target])
    folders = {
        copies.paths[i.path]
        for i in images
        if i.kind is ImageKind.FOLDER and i.path in copies.paths
    } & there
    if old is None and there:
        raise RefusedError(
            f"{sorted(there)[0]} is there already", hint="move it away, or choose another name"
        )
    if folders:
        path = sorted(folders)[0]
        raise RefusedError(f"{path} is left of an earlier run", hint=f"rm -r {path}")
    made = _uuid(old) if file.uuid else ""
    clone = replace(
        file, name=new, uuid=made, definition=target, state=STOPPED, home=session.members.node,
        mark=None, unknown=(),
    )  # fmt: skip
    return _work(session, view, file, clone, copies, _text(file, clone, text, copies))


def _demand_utility(session: Session, view: PoolView, source: str, new: str) -> None:
    utility = view.pool.utility if view.pool is not None else None
    if utility not in (None, session.members.node):
        raise RefusedError(
            f"{utility} is the pool's utility server: such work is done there",
            hint=f"on {utility}: ovstools vm clone {source} {new}",
        )


def _leftover(view: PoolView, new: str) -> GuestFile | None:
    """Return the file of an earlier run that was killed. Raises RefusedError for any other."""
    if guest_path(new) in view.unusable:
        raise RefusedError(f"{guest_path(new)} is there, and cannot be read")
    old = view.guests.get(new)
    is_ours = old is not None and old.mark is not None and old.mark.kind == CREATE
    if old is not None and not (is_ours and old.state == STOPPED):
        raise RefusedError(f"there is a guest {new} already", hint="choose another name")
    return old


def _uuid(old: GuestFile | None) -> str:
    return old.uuid if old is not None and old.uuid else uuid.uuid4().hex.upper()


def _copies(session: Session, file: GuestFile, new: str, images: tuple[Image, ...]) -> Copies:
    paths: dict[str, str] = {}
    shared = []
    for image in images:
        if not image.is_writable or image.is_shareable:
            shared.append(image)
        elif image.kind in (ImageKind.DEVICE, ImageKind.REMOTE):
            raise RefusedError(
                f"{image.path} is a {image.kind.value}: only files in a repository are copied",
                hint="copy it with its own tools, then: ovstools vm add",
            )
        elif image.path not in paths:
            target = _renamed(session, image.path, file.name, new)
            while target in paths.values():
                head, slash, base = target.rpartition("/")
                target = f"{head}{slash}{len(paths)}-{base}"
            paths[image.path] = target
    return Copies(paths, tuple(image for image in shared if image.is_shareable))


def _renamed(session: Session, path: str, source: str, new: str) -> str:
    """Return where the clone has what the source has there: in its own folder of running_pool."""
    head, _, base = path.rpartition("/")
    store = storage.store_of(storage.mounted(session.host), path)
    if store is not None:
        return f"{store.mountpoint.rstrip('/')}/{RUNNING_POOL}/{new}/{base}"
    stem, dot, ending = base.partition(".")
    own = new if stem == source else f"{new}-{stem}"
    return f"{head}/{own}{dot}{ending}"


def _text(file: GuestFile, clone: GuestFile, text: str, copies: Copies) -> str:
    def make_mac() -> str:
        prefix = _MACS.get(file.hypervisor, "52:54:00")
        return ":".join((prefix, *(f"{byte:02x}" for byte in secrets.token_bytes(3))))

    if file.hypervisor == PROCESS:
        return text
    if file.hypervisor == XL:
        return xen_cfg.cloned(text, clone.name, clone.uuid, copies.paths, make_mac)
    return domain_xml.cloned(text, clone.name, clone.uuid, copies.paths, make_mac)


def _work(
    session: Session, view: PoolView, file: GuestFile, clone: GuestFile, copies: Copies,
    text: str,
) -> Work:  # fmt: skip
    path = guest_path(clone.name)
    # agents look at once whether a new guest's definition is there: until ours is, the source's
    reserved = replace(clone, mark=Mark(CREATE, session.members.node), definition=file.definition)
    reserved_text, final = format_guest(reserved).decode(), format_guest(clone).decode()
    copying: list[Step] = []
    folders = {target.rpartition("/")[0] for target in (*copies.paths.values(), clone.definition)}
    for folder in sorted(folders):
        make = Command(("mkdir", "-p", "--", folder))
        copying.append(Step(f"make {folder}", Run(make)))
    for old, new in copies.paths.items():
        copying += _copy(old, new)
    head, _, base = clone.definition.rpartition("/")
    copying.append(
        Step(f"write its definition, {base}", WriteFile(head or "/", None, base, None, text))
    )
    stages = (
        Stage(edit(session, f"reserve {path}", path, view.texts.get(path), reserved_text), True),
        Stage(tuple(copying), locks=(file.name,)),
        Stage(edit(session, f"put {clone.name} under HA, off", path, reserved_text, final), True),
    )
    notices = tuple(f"{image.path} is shared by both guests" for image in copies.shared)
    data = {
        "guest": clone.name, "source": file.name, "uuid": clone.uuid,
        "definition": clone.definition, "images": dict(copies.paths), "changed": True,
    }  # fmt: skip
    line = f"{clone.name} is a clone of {file.name}, and off: ovstools vm start {clone.name}"
    return Work(stages, Answer((line,), data), notices)


def _copy(old: str, new: str) -> tuple[Step, ...]:
    """Copy an image; its name appears when all of it is on the storage."""
    half = f"{new}{PARTIAL}"
    words = ("cp", "--archive", "--reflink=auto", "--no-target-directory", "--", old, half)
    return (
        Step(f"copy {old}", Run(Command(words, timeout_s=COPY_S))),
        Step("wait for the storage", Run(Command(("sync", "--", half), timeout_s=COPY_S))),
        Step(f"name it {new}", Run(Command(("mv", "--no-target-directory", "--", half, new)))),
    )
