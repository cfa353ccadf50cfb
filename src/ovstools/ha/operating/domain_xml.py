"""A libvirt domain's XML: what it says of its guest, and how a clone's differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...model.guest_definition import CONTAINER, VM, GuestDefinition, Image, ImageKind
from ...model.uuids import is_uuid, normal_uuid

QEMU, LXC, XEN = "qemu:///system", "lxc:///system", "xen:///system"
#: libvirt's scaled integers (formatdomain); without a unit: KiB
_UNITS = {
    "b": 1, "bytes": 1, "KB": 10**3, "k": 2**10, "KiB": 2**10, "MB": 10**6, "M": 2**20,
    "MiB": 2**20, "GB": 10**9, "G": 2**30, "GiB": 2**30, "TB": 10**12, "T": 2**40, "TiB": 2**40,
}  # fmt: skip
_SOURCES = {"file": ImageKind.FILE, "dev": ImageKind.DEVICE, "dir": ImageKind.FOLDER}
#: comes with the hypervisor's packages, on every server
_SYSTEM = "/usr/"
_SPACES = {"qemu": "http://libvirt.org/schemas/domain/qemu/1.0",
           "lxc": "http://libvirt.org/schemas/domain/lxc/1.0"}  # fmt: skip


def parse_domain_xml(text: str) -> GuestDefinition:
    """Read what a domain's XML says. Raises ValueError."""
    root = _root(text)
    kind = root.get("type", "")
    name = (root.findtext("name") or "").strip()
    if not name:
        raise ValueError("expected a <name>")
    uuid = (root.findtext("uuid") or "").strip()
    if uuid and not is_uuid(uuid):
        raise ValueError(f"<uuid>: expected 32 hex digits, found {uuid!r}")
    return GuestDefinition(
        hypervisor={"lxc": LXC, "xen": XEN}.get(kind, QEMU),
        name=name,
        uuid=normal_uuid(uuid) if uuid else "",
        mem_mb=_memory_mb(root.find("memory")),
        cpu=_cpu(root.findtext("vcpu")),
        kind=CONTAINER if kind == "lxc" else VM,
        images=tuple(image for image, _ in _images(root)),
    )


def with_uuid(text: str, uuid: str) -> str:
    """Return the XML with a UUID behind the name: without one, each start would make another."""
    head, tag, rest = text.partition("</name>")
    return f"{head}{tag}\n  <uuid>{dashed(uuid)}</uuid>{rest}"


def dashed(uuid: str) -> str:
    """Spell a UUID as libvirt does."""
    text = uuid.lower()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def cloned(
    text: str, name: str, uuid: str, paths: Mapping[str, str], make_mac: Callable[[], str]
) -> str:
    """Return another guest's XML: with its own name, UUID, MACs and images."""
    from xml.etree import ElementTree

    root = _root(text)
    for tag, value in (("name", name), ("uuid", dashed(uuid))):
        element = root.find(tag)
        if element is None:
            element = ElementTree.Element(tag)
            root.insert(1, element)
        element.text = value
    for entry in root.iterfind("sysinfo/system/entry[@name='uuid']"):
        entry.text = dashed(uuid)  # libvirt refuses one that differs from the domain's
    for genid in root.findall("genid"):
        genid.text = dashed(uuid)
    for mac in root.iterfind("devices/interface/mac"):
        mac.set("address", make_mac())
    for image, change in _images(root):
        if image.path in paths:
            change(paths[image.path])
    for prefix, uri in _SPACES.items():
        ElementTree.register_namespace(prefix, uri)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _root(text: str) -> Any:
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"no XML: {error}") from error
    if root.tag != "domain":
        raise ValueError(f"expected <domain>, found <{root.tag}>")
    return root


def _memory_mb(element: Any) -> int | None:
    if element is None:
        return None
    number, unit = (element.text or "").strip(), element.get("unit", "KiB")
    if not number.isdigit() or unit not in _UNITS:
        raise ValueError(f"<memory>: expected a number and a unit, found {number!r} {unit!r}")
    return max(1, -(-int(number) * _UNITS[unit] // 2**20))


def _cpu(text: str | None) -> float | None:
    word = (text or "").strip()
    return float(word) if word.isdigit() and int(word) else None


Change = Callable[[str], None]


def _images(root: Any) -> Iterator[tuple[Image, Change]]:
    """Yield what a domain uses, each with what puts another path in its place."""
    for disk in root.iterfind("devices/disk"):
        is_read = disk.find("readonly") is not None or disk.get("device") in ("cdrom",)
        yield from _source(disk.find("source"), not is_read, disk.find("shareable") is not None)
        for below in disk.iterfind(".//backingStore/source"):
            yield from _source(below, False, False)
    for folder in root.iterfind("devices/filesystem"):
        if folder.get("type", "mount") in ("mount", "file", "block"):
            is_read = folder.find("readonly") is not None
            yield from _source(folder.find("source"), not is_read, False)
    for tag in ("kernel", "initrd", "dtb", "loader", "nvram"):
        for element in root.iterfind(f"os/{tag}"):
            path = (element.text or "").strip()
            if path and not path.startswith(_SYSTEM):
                yield Image(path, is_writable=tag == "nvram"), _text_of(element)


def _source(element: Any, is_writable: bool, is_shareable: bool) -> Iterator[tuple[Image, Change]]:
    if element is None:
        return  # an empty drive
    for key, kind in _SOURCES.items():
        path = element.get(key)
        if path:
            yield Image(path, kind, is_writable, is_shareable), _attribute_of(element, key)
            return
    name = "/".join(filter(None, (element.get("pool"), element.get("volume"), element.get("name"))))
    if name:
        yield Image(name, ImageKind.REMOTE, is_writable, is_shareable), lambda path: None


def _attribute_of(element: Any, key: str) -> Change:
    def change(path: str) -> None:
        element.set(key, path)

    return change


def _text_of(element: Any) -> Change:
    def change(path: str) -> None:
        element.text = path

    return change
