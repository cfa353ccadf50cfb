"""`ovstools vm add`: bring a guest under HA.

Three stages, so that kill -9 leaves what the same command finishes: its file, still ignored and
marked `create`, so that no agent touches it; then the word of every server that it runs nowhere
else; then the file as it is wanted.
"""

from __future__ import annotations

from dataclasses import replace

from ...errors import RefusedError, UsageError
from ...model.command import Command
from ...system import virsh
from ..forms.guest_file import GuestFile, format_guest
from ..forms.odd import Odd
from ..forms.shape import guest_name
from ..wishes import CREATE, IGNORED, STARTED, STOPPED, Mark
from . import guest_again, guest_source, images, storage
from .answer import Answer
from .edits import edit
from .elsewhere import NobodyElseHas
from .guest_source import Request, Source, Target
from .pool_view import PoolView, guest_path
from .session import Session
from .steps import Run, TakeBack, WriteFile
from .storage import Store
from .work import Stage, Step, Work


def plan(session: Session, request: Request) -> Work:
    """Look at the guest from all sides, and plan to bring it under HA."""
    check_name(request.name)
    view = session.view()
    old = view.guests.get(request.name)
    if guest_path(request.name) in view.unusable:
        raise RefusedError(f"{guest_path(request.name)} is there, and cannot be read")
    is_begun = old is not None and old.mark is not None and old.mark.kind == CREATE
    if is_begun and old is not None and old.state != IGNORED:
        raise RefusedError(f"{request.name} is being made by another command: ovstools vm clone")
    if old is not None and not is_begun:
        return guest_again.already(session, request, old)
    source = guest_source.find(session, request)
    used = images.resolved(session, source.found)
    stores = storage.mounted(session.host)
    homes = () if request.in_place else images.demand_shared(used, stores)
    images.demand_own(session, view, request.name, used)
    source, target = guest_source.target_of(session, request, source, homes, stores, old)
    file = _file(session, request, source, target, homes)
    _refuse_twin(view, file)
    return _work(session, view, request, source, target, file)


def check_name(name: str) -> None:
    """Raise UsageError unless a name can be that of a guest, a lock and a file."""
    try:
        guest_name(name)
    except Odd as odd:
        raise UsageError(str(odd)) from None


def _file(
    session: Session, request: Request, source: Source, target: Target, homes: tuple[Store, ...]
) -> GuestFile:
    found, me = source.found, session.members.node
    runs_here = source.known is not None and source.known.is_running
    state = request.state or (STARTED if runs_here else STOPPED)
    if runs_here and state == STOPPED:
        raise RefusedError(
            f"{request.name} runs here; --state stopped would shut it down",
            hint="shut it down first, or leave --state out: it is adopted as it runs",
        )
    beside = next((store for store in homes if not store.is_root), target.store)
    preferred = tuple(session.members.named(word) for word in request.preferred)
    defaults = {"mem_mb": found.mem_mb, "cpu": found.cpu}
    file = GuestFile(
        name=request.name,
        uuid=found.uuid,
        hypervisor=found.hypervisor,
        definition=target.path,
        state=state,
        home=preferred[0] if preferred and not runs_here else me,
        repository=beside.uuid if beside is not None else "",
        preferred_servers=(preferred,) if preferred else (),
        kind=found.kind,
    )
    given = {key: value for key, value in defaults.items() if value is not None}
    return replace(file, **given)  # type: ignore[arg-type]


def _refuse_twin(view: PoolView, file: GuestFile) -> None:
    for other in view.guests.values():
        if file.uuid and other.uuid == file.uuid and other.name != file.name:
            raise RefusedError(
                f"{other.name} has the same UUID: it is the same guest, or a copy of it",
                f"UUID {file.uuid}",
                hint="ovstools vm clone makes copies with a UUID of their own",
            )
        if other.definition == file.definition and other.name != file.name:
            raise RefusedError(f"{other.name} has the same definition", other.definition)


def _work(
    session: Session, view: PoolView, request: Request, source: Source, target: Target,
    file: GuestFile,
) -> Work:  # fmt: skip
    name, uri = request.name, source.found.hypervisor
    path = guest_path(name)
    reserved = replace(file, state=IGNORED, mark=Mark(CREATE, session.members.node))
    reserved_text, text = format_guest(reserved).decode(), format_guest(file).decode()
    # the definition comes first: agents look at once whether a new guest's is there
    begin = (*_definition_steps(target), *edit(
        session, f"reserve {path}", path, view.texts.get(path), reserved_text
    ))  # fmt: skip
    undo = (*edit(session, f"take {path} away again", path, reserved_text, None),
            *_taken_back(target))  # fmt: skip
    ask = Step(f"ask all servers for {name}", NobodyElseHas(name))
    last: list[Step] = []
    notices: list[str] = []
    if source.known is not None and source.known.has_autostart:
        notices.append(f"libvirt would start {name} at boot: its autostart is switched off")
        last.append(Step("switch its autostart off", Run(virsh.no_autostart(uri, name))))
    last += edit(session, f"put {name} under HA", path, reserved_text, text)
    stages = [
        Stage(begin, edits=True), Stage((ask,), undo=undo), Stage(tuple(last), edits=True),
    ]  # fmt: skip
    runs = source.known is not None and source.known.is_running
    if source.known is not None and not runs and source.is_from_libvirt:
        stages.append(guest_again.forgetting(uri, name))
    if runs:
        notices.append(f"{name} runs here, and is taken over as it runs")
    data = {
        "guest": name, "definition": target.path, "uuid": file.uuid, "state": file.state,
        "hypervisor": uri, "repository": file.repository or None, "changed": True,
    }  # fmt: skip
    text = f"{name} is under HA: {file.state}, definition {target.path}"
    return Work(tuple(stages), Answer((text,), data), tuple(notices))


def _definition_steps(target: Target) -> tuple[Step, ...]:
    write = _write(target)
    if write is None:
        return ()
    folder, _, base = target.path.rpartition("/")
    make = Run(Command(("mkdir", "-p", "--", folder)))
    return (Step(f"make {folder}", make), Step(f"write its definition, {base}", write))


def _taken_back(target: Target) -> tuple[Step, ...]:
    write = _write(target)
    return () if write is None else (Step(f"remove {target.path}", TakeBack(write)),)


def _write(target: Target) -> WriteFile | None:
    if target.text is None or target.store is None:
        return None
    root, device = target.store.mountpoint, target.store.device
    return WriteFile(root, device, target.path[len(root.rstrip("/")) + 1 :], None, target.text)
