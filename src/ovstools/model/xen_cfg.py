"""xl's and xm's configuration of a guest, vm.cfg: `key = value`, by xl.cfg(5).

Values are numbers, strings and lists. Statements are kept with their place in the text, so that a
clone's file differs in what must differ only. What an old xm file computes in Python is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .guest_definition import GuestDefinition, Image, ImageKind
from .uuids import is_uuid, normal_uuid

XL = "xl"
_TOKEN = re.compile(
    r"(?P<blank>[ \t\r]+|\\\n|\#[^\n]*)|(?P<end>\n|;)"
    r"|(?P<text>'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")"
    r"|(?P<number>0x[0-9a-fA-F]+|-?\d+(?![\w.]))|(?P<name>[A-Za-z_][\w.]*)|(?P<sign>\+=|[=\[\],()])",
    re.ASCII,
)
_MAC = re.compile(r"mac=[0-9A-Fa-f:]{17}", re.ASCII)
_ACCESS = {"r": False, "ro": False, "w": True, "rw": True, "w!": True, "!": True}
#: of xm's targets; tap: and tap2: are followed by another one
_PREFIX = re.compile(r"(?:(?:tap2?|file|phy|aio|qcow2?|vhd|qed|raw|ioemu|sync|drbd):)+")


class _Token(NamedTuple):
    kind: str
    text: str
    begin: int
    end: int


@dataclass(frozen=True)
class Statement:
    """One assignment; begin, end: where its value is in the text."""

    key: str
    value: Any
    begin: int
    end: int


def parse_statements(text: str) -> tuple[Statement, ...]:
    """Read the assignments in order. Raises ValueError that names the line."""
    return tuple(_Parser(text).statements())


def parse_xen_cfg(text: str) -> GuestDefinition:
    """Read what a configuration says. Raises ValueError."""
    values = {each.key: each.value for each in parse_statements(text)}
    name = values.get("name", "")
    if not isinstance(name, str) or not name:
        raise ValueError("expected name = '...'")
    uuid = values.get("uuid", "")
    if uuid and not (isinstance(uuid, str) and is_uuid(uuid)):
        raise ValueError(f"uuid: expected 32 hex digits, found {uuid!r}")
    disks = values.get("disk", [])
    if not isinstance(disks, list) or not all(isinstance(disk, str) for disk in disks):
        raise ValueError("disk: expected a list of texts")
    boot = [values[key] for key in ("kernel", "ramdisk") if isinstance(values.get(key), str)]
    images = [image for disk in disks if (image := parse_disk(disk)) is not None]
    images += [Image(path, is_writable=False) for path in boot if not path.startswith("/usr/")]
    return GuestDefinition(
        hypervisor=XL,
        name=name,
        uuid=normal_uuid(uuid) if uuid else "",
        mem_mb=_whole(values, "maxmem") or _whole(values, "memory"),
        cpu=_whole(values, "vcpus"),
        images=tuple(images),
    )


def parse_disk(spec: str) -> Image | None:
    """Read one disk (xl-disk-configuration(5)); None: an empty drive. Raises ValueError."""
    parts = [part.strip() for part in spec.split(",")]
    keyed = dict(part.split("=", 1) for part in parts if "=" in part)
    plain = [part for part in parts if "=" not in part]
    target = keyed.get("target", plain[0] if plain and "target" not in keyed else "")
    words = [*plain[1:], keyed.get("access", "")]
    access = next((_ACCESS[word] for word in words if word in _ACCESS), True)
    is_cdrom = any(word in ("cdrom", "devtype=cdrom") or word.endswith(":cdrom") for word in parts)
    path = _PREFIX.sub("", target)
    if not path:
        return None
    if not path.startswith("/"):
        return Image(target, ImageKind.REMOTE, access and not is_cdrom)
    kind = ImageKind.DEVICE if path.startswith("/dev/") else ImageKind.FILE
    is_shareable = any(word in ("w!", "!") for word in words)
    return Image(path, kind, access and not is_cdrom, is_shareable)


def _whole(values: dict[str, Any], key: str) -> int | None:
    value = values.get(key)
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    return value if isinstance(value, int) and value > 0 else None


def cloned(
    text: str, name: str, uuid: str, paths: Mapping[str, str], make_mac: Callable[[], str]
) -> str:
    """Return another guest's configuration: with its own name, UUID, MACs and images."""
    found = parse_statements(text)
    spelled = f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}".lower()
    for each in reversed(found):
        old = text[each.begin : each.end]
        new = {"name": repr(name), "uuid": repr(spelled)}.get(each.key, old)
        if each.key == "disk":
            for path in sorted(paths, key=len, reverse=True):
                new = re.sub(rf"{re.escape(path)}(?=[,'\"\s])", paths[path].replace("\\", ""), new)
        elif each.key == "vif":
            new = _MAC.sub(lambda match: f"mac={make_mac()}", new)
        text = f"{text[: each.begin]}{new}{text[each.end :]}"
    if any(each.key == "uuid" for each in found):
        return text
    return f"{text.rstrip()}\nuuid = {spelled!r}\n"


class _Parser:
    """Reads statements; see parse_statements."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._scan())
        self._at = 0

    def _scan(self) -> Iterator[_Token]:
        position = 0
        while position < len(self._text):
            found = _TOKEN.match(self._text, position)
            if not found or not found.lastgroup:
                raise self._odd(position)
            if found.lastgroup != "blank":
                yield _Token(found.lastgroup, found[0], position, found.end())
            position = found.end()
        yield _Token("end", "", position, position)

    def _odd(self, position: int) -> ValueError:
        line = self._text.count("\n", 0, position) + 1
        shown = self._text[position:].split("\n", 1)[0][:40]
        return ValueError(f"line {line}: expected KEY = VALUE, found {shown!r}")

    def _next(self) -> _Token:
        token = self._tokens[min(self._at, len(self._tokens) - 1)]
        self._at += 1
        return token

    def statements(self) -> Iterator[Statement]:
        """Yield the assignments."""
        while self._at < len(self._tokens):
            key = self._next()
            if key.kind == "end":
                continue
            sign = self._next()
            if key.kind != "name" or sign.text != "=":
                raise self._odd(key.begin)
            begin = self._tokens[min(self._at, len(self._tokens) - 1)].begin
            value = self._value()
            end = self._tokens[self._at - 1].end
            last = self._next()
            if last.kind != "end":
                raise self._odd(last.begin)
            yield Statement(key.text, value, begin, end)

    def _value(self) -> Any:
        token = self._next()
        if token.kind == "text":
            return re.sub(r"\\(.)", r"\1", token.text[1:-1])
        if token.kind == "number":
            return int(token.text, 16 if token.text.startswith("0x") else 10)
        if token.kind == "name" and token.text in ("True", "False", "None"):
            return {"True": 1, "False": 0, "None": None}[token.text]
        if token.text == "[":
            return self._list()
        raise self._odd(token.begin)

    def _list(self) -> list[Any]:
        found = []
        while True:
            self._skip_line_ends()
            if self._tokens[self._at].text == "]":
                break
            found.append(self._value())
            self._skip_line_ends()
            if self._tokens[self._at].text != ",":
                break
            self._at += 1
        closing = self._next()
        if closing.text != "]":
            raise self._odd(closing.begin)
        return found

    def _skip_line_ends(self) -> None:
        while self._tokens[self._at].text == "\n":
            self._at += 1
