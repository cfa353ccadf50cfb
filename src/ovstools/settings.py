"""Settings: paths, time limits and names, from ovstools.yaml and the environment; frozen.

Order: the defaults below, /etc/ovs/ovstools.yaml, OVSTOOLS_ variables (the key's path in
capitals, levels joined by two underscores), then the command line's options.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from .errors import RefusedError, UsageError

SETTINGS_FILE = "/etc/ovs/ovstools.yaml"
PREFIX = "OVSTOOLS_"
#: a setting that switches a safety check off is refused; a node beats every 2 s (o2cb(7))
LEAST_S = {"limits.heartbeat_sample_s": 4.0}
PERCENT = "_percent"


@dataclass(frozen=True)
class Paths:
    """Where things are; absolute paths, taken below --root when that is given."""

    repositories: str = "/etc/ovs/repositories"
    repository_options: str = "/etc/ovs/repositories.options"
    cluster_conf: str = "/etc/ocfs2/cluster.conf"
    fstab: str = "/etc/fstab"
    cluster_root: str = "/OVS"
    fstab_backups: str = "/tmp"
    run: str = "/run/ovs"
    #: the pool file system; auto: .ovs below an OCFS2 cluster root, else RUN/poolfs
    pool: str = "auto"
    units: str = "/etc/systemd/system"
    #: this server's key pair for the others, and their host keys
    ssh: str = "/etc/ovs/ssh"
    ssh_config: str = "/etc/ssh/ssh_config.d/50-ovstools.conf"
    authorized_keys: str = "/root/.ssh/authorized_keys"
    libvirt_hooks: str = "/etc/libvirt/hooks"


@dataclass(frozen=True)
class Limits:
    """How long ovstools waits, in seconds."""

    lock_wait_s: float = 0.0
    mount_s: float = 180.0
    umount_s: float = 120.0
    format_s: float = 1800.0
    service_s: float = 180.0
    #: another server formats the volume: how long this one waits for it
    format_wait_s: float = 600.0
    #: between two looks at a heartbeat area; more than two beats of 2 s (o2cb(7))
    heartbeat_sample_s: float = 5.0
    #: for a listed device to appear: SAN and iSCSI disks come late at boot
    device_wait_s: float = 30.0
    #: for an iSCSI portal to answer: iscsid tries a log-in 8 times, 15 s each
    iscsi_s: float = 180.0
    #: before that, whether anybody listens there at all
    connect_s: float = 10.0
    #: for the kernel to show what a tool has just done (regions, live nodes)
    settle_s: float = 30.0
    #: for the pool to answer libvirt's hook, which then refuses the start
    hook_s: float = 5.0


@dataclass(frozen=True)
class Ha:
    """What the HA agent needs to know of this server."""

    #: with blanks between: qemu:///system lxc:///system xl process; auto: those that are installed
    hypervisors: str = "auto"
    #: a program that gets each event as JSON on its standard input; none: nobody is told
    notify: str = "none"
    #: memory that is not for guests
    reserve_mb: float = 512.0


@dataclass(frozen=True)
class Checks:
    """When cluster-check has something to say."""

    #: a repository that is fuller is a warning
    full_percent: float = 90.0


@dataclass(frozen=True)
class Settings:
    """Everything a sysadmin may set; see ovstools.yaml(5)."""

    cluster_name: str = "ocfs2"
    paths: Paths = field(default_factory=Paths)
    limits: Limits = field(default_factory=Limits)
    ha: Ha = field(default_factory=Ha)
    checks: Checks = field(default_factory=Checks)


def load(root: Path = Path("/"), environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings file below root, then the environment.

    Raises UsageError when a key is unknown or a value has the wrong form, RefusedError when
    the file cannot be read.
    """
    settings = Settings()
    file = root / SETTINGS_FILE.lstrip("/")
    try:
        text = file.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError):
        text = ""
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 text", str(error)) from error
    except OSError as error:
        raise RefusedError(f"cannot read {file}: {error.strerror}") from error
    if text.strip():
        settings = _merge(settings, _parse(text), SETTINGS_FILE)
    merged: Settings = _merge(settings, _from_environment(environ), "environment")
    return merged


def _parse(text: str) -> Mapping[str, Any]:
    import yaml  # here, because most machines have no settings file and yaml is slow to load

    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{SETTINGS_FILE} is not YAML", *str(error).splitlines()[:3]) from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise UsageError(f"{SETTINGS_FILE}: expected keys and values, found {values!r}")
    return values


def _from_environment(environ: Mapping[str, str]) -> Mapping[str, Any]:
    values: dict[str, Any] = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX):
            continue
        *path, last = name[len(PREFIX) :].lower().split("__")
        level = values
        for key in path:
            level = level.setdefault(key, {})
            if not isinstance(level, dict):
                raise UsageError(
                    f"environment: {name} and {PREFIX}{key.upper()} exclude each other"
                )
        level[last] = value
    return values


def _merge(settings: Any, values: Mapping[str, Any], where: str, above: str = "") -> Any:
    known = {item.name: getattr(settings, item.name) for item in fields(settings)}
    changes: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{above}{key}"
        if key not in known:
            raise UsageError(f"{where}: unknown setting {name!r}", f"known: {', '.join(known)}")
        old = known[key]
        if is_dataclass(old):
            if value is None:  # a section whose keys are all commented out
                continue
            if not isinstance(value, Mapping):
                raise UsageError(f"{where}: {name}: expected keys and values, found {value!r}")
            changes[key] = _merge(old, value, where, f"{name}.")
        else:
            changes[key] = _converted(old, value, where, name)
    return replace(settings, **changes)


def _converted(old: Any, value: Any, where: str, name: str) -> Any:
    if isinstance(old, float):
        try:
            number = -1.0 if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = -1.0
        if name.endswith(PERCENT):
            if not 0 < number <= 100:
                raise UsageError(f"{where}: {name}: expected 1 to 100, found {value!r}")
            return number
        least_s = LEAST_S.get(name, 0.0)
        if not least_s <= number < 1e9:
            wanted = f"at least {least_s:g} seconds" if least_s else "seconds"
            raise UsageError(f"{where}: {name}: expected {wanted}, found {value!r}")
        return number
    if not isinstance(value, str) or not value:
        raise UsageError(f"{where}: {name}: expected a word, found {value!r}")
    if old.startswith("/") and (not value.startswith("/") or ".." in value.split("/")):
        raise UsageError(f"{where}: {name}: expected an absolute path, found {value!r}")
    return value
