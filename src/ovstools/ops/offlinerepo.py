"""offlinerepo: unmount a repository; with -d also take it off the list. Its data stays."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OvsError, RefusedError
from ..model.repositories import Repository
from ..model.source import IscsiSource, parse_source
from ..model.uuids import is_uuid, normal_uuid
from ..system import filesystems, ocfs2
from ..system.host import Host
from . import iscsi_use, listed, mounting, noted_description, unmounting
from . import listed_unmount as unmount
from .listed import Listed
from .plan import Plan, Report, Step, edit_step

BY_PATH = "/dev/disk/by-path"


@dataclass(frozen=True)
class Request:
    """The words of the command line; source: the second operand of the historic form."""

    repository: str
    source: str | None = None
    delete: bool = False


def plan(host: Host, request: Request) -> Plan:
    """Plan the unmount, and with delete the removal of the list's line.

    Raises RefusedError when no listed repository, or more than one, is meant, or when
    something uses it.
    """
    chosen = find(host, request)
    steps: list[Step] = []
    notices: tuple[str, ...] = ()
    uuid = chosen.repository.uuid
    if chosen.is_mounted:
        assert chosen.mountpoint is not None
        _refuse_root_in_use(host, chosen)
        places = (*unmount.pool_places(host, chosen), chosen.mountpoint)
        unmounting.refuse_in_use(host, places)
        notices = unmounting.refs_notice(host, uuid, chosen.mountpoint)
        steps += unmounting.pool_steps(host, places)
        steps += unmount.steps(host, chosen)
    elif chosen.mount is not None:
        notices = (f"{chosen.mount.source} is mounted at {chosen.mountpoint}: left alone",)
    if request.delete:
        steps += _delete_steps(host, chosen.repository)
    return Plan(tuple(steps), _report(chosen, request, bool(steps)), notices)


def find(host: Host, request: Request) -> Listed:
    """Return the one listed repository that the words mean.

    By UUID, mountpoint or source; only when none of these fits, by description.
    """
    known = listed.read_listed(host)
    found = [each for each in known if _is_meant(host, each, request.repository)]
    if not found and not request.repository.startswith("/"):
        found = [each for each in known if description_of(host, each) == request.repository]
    if request.source is not None:
        found = [each for each in found if _is_source(host, each, request.source)]
    if len(found) == 1:
        return found[0]
    words = " ".join(filter(None, (request.repository, request.source)))
    if found:
        raise RefusedError(
            f"{words} means more than one repository",
            *(_words(host, each) for each in found),
            hint="name it by its UUID",
        )
    raise RefusedError(
        f"no listed repository is {words}",
        *(_words(host, each) for each in known),
        *([] if known else [f"{host.settings.paths.repositories} lists none"]),
        hint="ovstools repositories list",
    )


def description_of(host: Host, each: Listed) -> str | None:
    """Return what .ovsrepo on the storage says, or said; None when it cannot be read."""
    if each.is_mounted and each.mountpoint is not None:
        marker = filesystems.read_marker(host, each.mountpoint)
        return marker.description if marker else None
    if host.offline or host.kind(each.repository.source) != "block":
        return noted_description.read(host, each.repository)
    try:
        marker = ocfs2.read_marker(host, each.repository.source)
    except OvsError:
        return None
    return marker.description if marker else None


def _is_meant(host: Host, each: Listed, word: str) -> bool:
    if is_uuid(word):
        return each.repository.uuid == normal_uuid(word)
    if each.mountpoint is not None and (word.rstrip("/") or "/") == each.mountpoint:
        return True
    return _is_source(host, each, word)


def _is_source(host: Host, each: Listed, word: str) -> bool:
    source = each.repository.source
    if word == source or (":/" in source and word.rstrip("/") == source.rstrip("/")):
        return True
    if word.startswith("iscsi://"):
        return _is_iscsi(host, source, word)
    if word.startswith("/dev/") and source.startswith("/dev/"):
        return host.resolve(word) == host.resolve(source)
    return False


def _is_iscsi(host: Host, source: str, word: str) -> bool:
    """The list has the device; its session, or udev's name of it, tells portal and target."""
    wanted = parse_source(word)
    if not isinstance(wanted, IscsiSource):
        return False
    start = f"{BY_PATH}/ip-{wanted.at.address}:{wanted.port}-iscsi-{wanted.iqn}-lun-"
    names = [source, *host.links_to(host.resolve(source), (BY_PATH,))]
    luns = {name[len(start) :] for name in names if name.startswith(start)}
    if luns and (wanted.lun is None or str(wanted.lun) in luns):
        return True
    return iscsi_use.is_path_of(host, wanted, source)


def _refuse_root_in_use(host: Host, chosen: Listed) -> None:
    if not chosen.repository.cluster_root:
        return
    below = [
        each
        for each in listed.read_listed(host)
        if each.is_mounted and not each.repository.cluster_root
    ]
    if below:
        raise RefusedError(
            f"{chosen.mountpoint} is the cluster root, and other repositories are mounted below it",
            *(f"{each.name} at {each.mountpoint}" for each in below),
            hint="take these offline first, or all at once: ovstools repositories stop",
        )


def _delete_steps(host: Host, repository: Repository) -> list[Step]:
    path = host.settings.paths.repositories
    before = mounting.read_list(host)
    after = (
        before.without_source(repository.source)
        if repository.uuid is None
        else before.without(repository.uuid)
    )
    return edit_step(f"take it off {path}", path, host.read(path), str(after))


def _report(chosen: Listed, request: Request, changed: bool) -> Report:
    name = chosen.repository.uuid or chosen.repository.source
    already = "" if changed else "already "
    line = f"repository {name} is {already}offline"
    if request.delete:
        line += " and off the list; its data is as it was"
    data = {
        "changed": changed,
        "uuid": chosen.repository.uuid,
        "source": chosen.repository.source,
        "mountpoint": chosen.mountpoint,
        "deleted": request.delete,
    }
    return Report((line,), data)


def _words(host: Host, each: Listed) -> str:
    description = description_of(host, each)
    where = each.mountpoint or "mountpoint not known yet"
    return f"{each.name}, {where}" + (f", {description!r}" if description else "")
