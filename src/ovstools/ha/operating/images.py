"""A guest's images: on storage that every server has, and nobody else's to write.

fcntl locks are node-local on o2cb, so neither QEMU's image locking nor virtlockd would keep two
guests on two servers from writing one image: it has to be refused here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...errors import RefusedError
from ...model.guest_definition import GuestDefinition, Image, ImageKind, conflicts
from . import definition, storage
from .pool_view import PoolView
from .session import Session
from .storage import Store

IN_PLACE = "--in-place takes it nevertheless: you see to it that every server has it"


def resolved(session: Session, found: GuestDefinition) -> tuple[Image, ...]:
    """Return the images by their real paths. Raises RefusedError when one is missing."""
    paths = [image.path for image in found.images if image.kind is not ImageKind.REMOTE]
    real = storage.real_paths(session.host, paths, must_exist=True) if paths else {}
    return tuple(replace(image, path=real.get(image.path, image.path)) for image in found.images)


def demand_shared(images: tuple[Image, ...], stores: tuple[Store, ...]) -> tuple[Store, ...]:
    """Return the repositories that the images are in. Raises RefusedError for one in none."""
    found = []
    for image in images:
        store = storage.store_of(stores, image.path)
        if store is None:
            places = ", ".join(each.mountpoint for each in stores) or "none is mounted here"
            raise RefusedError(
                f"{image.path} is in no repository: other servers could not start the guest",
                f"a {image.kind.value}; repositories: {places}",
                hint=f"copy it into a repository's running_pool; {IN_PLACE}",
            )
        found.append(store)
    return tuple(found)


def demand_own(session: Session, view: PoolView, name: str, images: tuple[Image, ...]) -> None:
    """Raise RefusedError when another guest of the pool uses one of the images."""
    others = {guest: file for guest, file in view.guests.items() if guest != name}
    if not images or not others:
        return
    texts = storage.read_anywhere(session, [file.definition for file in others.values()])
    theirs: dict[str, GuestDefinition] = {}
    for guest, file in others.items():
        text = texts[file.definition]
        if not isinstance(text, str):
            reason = "it is missing" if text is None else text.reason
            raise RefusedError(
                f"the definition of {guest} cannot be read, so nobody knows which images it uses",
                f"{file.definition}: {reason}",
                hint=f"mount its repository here, or mend it; or ovstools vm remove {guest}",
            )
        theirs[guest] = definition.parse(text, file.definition, file.hypervisor)
    _refuse_shared(session, images, theirs)


def _refuse_shared(
    session: Session, images: tuple[Image, ...], theirs: Mapping[str, GuestDefinition]
) -> None:
    paths = [
        image.path
        for each in theirs.values()
        for image in each.images
        if image.kind is not ImageKind.REMOTE
    ]
    real = storage.real_paths(session.host, paths, must_exist=False) if paths else {}
    for guest, found in theirs.items():
        used = [replace(image, path=real.get(image.path, image.path)) for image in found.images]
        for image in conflicts(images, used):
            raise RefusedError(
                f"{guest} uses {image.path} too: two guests that write one image destroy it",
                "no lock of QEMU or libvirt would notice that on another server",
                hint="give the guest an image of its own; where both mean to share it, both say "
                "so: <shareable/> in libvirt's XML, w! in vm.cfg",
            )
