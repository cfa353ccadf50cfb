"""What a guest's definition says of it, whatever the hypervisor's own form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

VM, CONTAINER = "vm", "ct"


class ImageKind(Enum):
    """What kind of storage a guest uses."""

    FILE = "file"
    FOLDER = "folder"
    DEVICE = "block device"
    REMOTE = "remote"  #: network disks, libvirt's volumes: no path that could be compared


@dataclass(frozen=True)
class Image:
    """Something that a guest reads or writes; is_shareable: several write it, by intent."""

    path: str
    kind: ImageKind = ImageKind.FILE
    is_writable: bool = True
    is_shareable: bool = False


@dataclass(frozen=True)
class GuestDefinition:
    """A guest as defined; name and uuid are empty where the definition has none."""

    hypervisor: str
    name: str = ""
    uuid: str = ""
    mem_mb: int | None = None
    cpu: float | None = None
    kind: str = VM
    images: tuple[Image, ...] = field(default=())


def conflicts(ours: Iterable[Image], theirs: Iterable[Image]) -> Iterator[Image]:
    """Yield those of our images that the others' guest must not use at the same time."""
    others = tuple(theirs)
    for image in ours:
        if any(_conflict(image, other) for other in others):
            yield image


def _conflict(one: Image, other: Image) -> bool:
    if not _overlap(one, other) or not (one.is_writable or other.is_writable):
        return False
    return not (one.is_shareable and other.is_shareable)


def _overlap(one: Image, other: Image) -> bool:
    if one.path == other.path:
        return True
    return any(
        above.kind is ImageKind.FOLDER and below.path.startswith(above.path.rstrip("/") + "/")
        for above, below in ((one, other), (other, one))
    )
