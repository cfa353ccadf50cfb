"""repositories convert: local data becomes a shared repository, most often a local /OVS.

Metalink note 756968.1 did it by hand. The old data is set aside and kept, makerepo makes the
repository, then the data is copied, compared and put in its place. A run that is killed is
finished by the same words.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..errors import RefusedError, UsageError
from ..model.conversion import Conversion
from ..model.source import DeviceSource, NfsSource, parse_source
from ..system import block, filesystems, mounts
from ..system.host import Host
from . import (
    convert_copy,
    convert_old,
    convert_places,
    export_place,
    export_source,
    formatting,
    makerepo,
    mounting,
    unmounting,
    volume,
)
from .convert_places import Amount, Places
from .formatting import Format
from .listed import read_listed
from .meter import MIB
from .plan import Plan, Report
from .volume import CLUSTER_ROOT, SHARED


@dataclass(frozen=True)
class Request:
    """The words of the command line; origin: what is converted, None for /OVS."""

    source: str
    shared: str
    description: str
    origin: str | None = None
    format: Format = field(default_factory=Format)

    def __post_init__(self) -> None:
        if self.shared not in (CLUSTER_ROOT, SHARED):
            raise UsageError(f"{self.shared!r} is not one of C and 1")
        path = self.origin or "/"
        if not path.startswith("/") or ".." in path.split("/") or not path.isprintable():
            raise UsageError(f"{path!r} is no absolute path of a folder")

    def asked(self, host: Host) -> Conversion:
        """Return what is asked, as it is recorded."""
        origin = self.origin or host.settings.paths.cluster_root
        return Conversion(origin.rstrip("/") or "/", self.source, self.shared)

    @property
    def makerepo(self) -> makerepo.Request:
        """Return the words for makerepo."""
        return makerepo.Request(self.source, self.shared, self.description, self.format)


def plan(host: Host, request: Request) -> Plan:
    """Plan the next part of a conversion; the last one is a plan that looks for nothing more."""
    if host.offline:
        raise RefusedError("with --root nothing is converted")
    asked, found = request.asked(host), convert_old.read_record(host)
    if found is None:
        return _plan_begin(host, request, asked)
    if not found.is_same(asked):
        raise RefusedError(
            "another conversion is not finished",
            f"{found.origin} to {found.source} ({found.shared})",
            hint=f"ovstools repositories convert --from {found.origin} {found.source} "
            f"{found.shared} DESCRIPTION",
        )
    steps = convert_old.aside_steps(host, found)
    if not steps:
        made = makerepo.plan(host, request.makerepo)
        if made.steps or made.look_again:
            return replace(made, look_again=True)
        steps = convert_old.read_steps(host, found)
    if steps:
        return Plan(tuple(steps), look_again=True)
    return _plan_copy(host, found, made.report)


def _plan_begin(host: Host, request: Request, asked: Conversion) -> Plan:
    origin = asked.origin
    is_root = any(
        each.is_mounted and each.mountpoint == origin and each.repository.cluster_root
        for each in read_listed(host)
    )
    if is_root or not host.names(origin):
        made = makerepo.plan(host, request.makerepo)
        if made.steps or made.look_again:
            raise RefusedError(
                f"{origin} holds nothing that could be converted",
                hint=f"ovs-makerepo {request.source} {request.shared} DESCRIPTION",
            )
        line = f"{made.report.data['mountpoint']} is already on {made.report.data['source']}"
        report = Report((line,), {**made.report.data, "changed": False})
        return Plan(tuple(convert_old.end_steps(host)), report)
    found = convert_old.begin(host, asked)
    amount = convert_places.measure(host, Places(origin, "", host.hostname()))
    _refuse_source(host, request.makerepo, amount, origin)
    notice = f"{origin}: {amount.things} things, {amount.bytes // MIB} MiB are to be converted"
    return Plan(tuple(convert_old.aside_steps(host, found)), notices=(notice,), look_again=True)


def _refuse_source(host: Host, request: makerepo.Request, amount: Amount, origin: str) -> None:
    """Raise what makerepo would refuse, before anything is set aside for it."""
    cluster = mounting.online_cluster(host)
    source = parse_source(request.source)
    if isinstance(source, NfsSource):
        export_source.refuse_words(request, source)
        export_place.refuse_list(host, request.shared, source, mounting.read_list(host))
    if not isinstance(source, DeviceSource):
        return
    device = block.look(host, source.path)
    mount = mounts.read_mounts(host).at(origin)
    if mount is not None and mount.device_number == device.number:
        raise RefusedError(
            f"{origin} is on {source.path} itself, which holds {device.content}",
            hint="the shared storage is another device",
        )
    formatting.refuse_occupied(device)
    formatting.refuse_mounted_elsewhere(host, device, host.settings.paths.cluster_root)
    if not volume.must_wait(host, request, device, cluster):
        volume.find(host, request, device, cluster)
    if amount.bytes > device.size_bytes:
        raise RefusedError(
            f"{source.path} is too small: {device.size_bytes // MIB} MiB "
            f"for {amount.bytes // MIB} MiB of data"
        )


def _plan_copy(host: Host, found: Conversion, made: Report) -> Plan:
    final = str(made.data["mountpoint"])
    if found.folder:  # nobody can write to what is mounted read-only
        unmounting.refuse_in_use(host, (found.folder,))
    places = Places(convert_old.old_data(host, found), final, host.hostname())
    amount = convert_places.measure(host, places)
    missing = convert_places.refuse_conflicts(host, places)
    space = filesystems.read_space(host, final)
    if space is not None and missing.bytes > space.size - space.used:
        raise RefusedError(
            f"{final} has not room enough: {(space.size - space.used) // MIB} MiB "
            f"for {missing.bytes // MIB} MiB of data",
            hint=f"make room there, or have less of it in {places.old}",
        )
    kept = convert_old.kept_words(found)
    lines = (f"{final} has all of {found.origin}: {amount.things} things, "
             f"{amount.bytes // MIB} MiB, each compared", kept)  # fmt: skip
    data = {
        **made.data,
        "changed": True,
        "origin": found.origin,
        "things": amount.things,
        "bytes": amount.bytes,
        "kept": found.folder or found.device,
    }
    notices = []
    if final != found.origin:
        notices.append(
            f"guests whose definitions name {found.origin} need {final} there from now on"
        )
    steps = convert_copy.copy_steps(host, places, amount, missing)
    return Plan((*steps, *convert_old.end_steps(host)), Report(lines, data), tuple(notices))
