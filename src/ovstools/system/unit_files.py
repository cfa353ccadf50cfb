"""The unit files that come with ovstools, and where systemd wants them."""

from __future__ import annotations

from pathlib import Path

MOUNT_DROP_IN = "repository-mount.conf"
SCOPE_DROP_IN = "guest-scope.conf"
WANTS = "multi-user.target.wants"
_TEMPLATES = Path(__file__).resolve().parent.parent / "units"


def unit_text(name: str, program: str) -> str:
    """Return the text of a unit of pool_units, which calls program."""
    text = (_TEMPLATES / name).read_text()
    return text.replace("@OVSTOOLS@", quoted_program(program))


def drop_ins(cluster_root: str, pool: str) -> dict[str, str]:
    """Return the drop-ins of units that are not ours: name below the unit folder, and text.

    For /OVS, for all below it, and for the pool file system of an NFS cluster root, which is in
    a file on /OVS and so is unmounted before it; and for libvirt's guests. systemd.unit(5):
    foo-bar.mount also reads drop-ins in foo-.mount.d, and mount units that come from mountinfo and
    transient scopes read drop-ins like any.
    """
    text = (_TEMPLATES / MOUNT_DROP_IN).read_text()
    root = escape_path(cluster_root)
    texts = {root: text, f"{root}-": text, escape_path(pool): f"{text}After={root}.mount\n"}
    found = {f"{name}.mount.d/10-ovstools.conf": each for name, each in texts.items()}
    scopes = (_TEMPLATES / SCOPE_DROP_IN).read_text()
    return {**found, "machine-.scope.d/10-ovstools.conf": scopes}


def escape_path(path: str) -> str:
    """Spell a path as a unit's name, as `systemd-escape --path` does."""
    words = []
    for number, byte in enumerate(path.strip("/").encode()):
        char = chr(byte)
        if char == "/":
            words.append("-")
        elif (char.isascii() and char.isalnum()) or char in ":_" or (char == "." and number):
            words.append(char)
        else:
            words.append(f"\\x{byte:02x}")
    return "".join(words)


def quoted_program(program: str) -> str:
    """Spell a program's path as ExecStart= wants it (systemd.service(5), "COMMAND LINES").

    A quoted path keeps its spaces; % is doubled, for it would be a specifier.
    """
    escaped = program.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if " " in escaped else escaped
