"""The files of open-iscsi's node records, for what iscsiadm cannot be told: secrets.

A secret among iscsiadm's words is there for every user to read (ps). So the record's file is
written here, as iscsiadm writes it: readable by root alone, under the lock of its database.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import RefusedError, ToolError
from ..model.iscsi import UNKNOWN_TAG, TargetPortal, is_iqn
from . import files
from .host import Host

#: Debian and its kin; Oracle Linux and SUSE
ROOTS = ("/etc/iscsi", "/var/lib/iscsi")
LOCK_FOLDER = "/run/lock/iscsi"
#: open-iscsi's own: it tries 3000 times, 10 ms apart
LOCK_WAIT_S = 30.0
ASIDE = ".ovstools-record"
SECRET_MODE = 0o600


def record_files(host: Host, at: TargetPortal) -> tuple[str, ...]:
    """Return the files of a record, one for each interface that it is bound to."""
    if not is_iqn(at.iqn) or "/" in at.portal.host:
        raise RefusedError(f"{at.iqn} at {at.portal.host}: such a name is no part of a path")
    tag = "" if at.tag == UNKNOWN_TAG else f",{at.tag}"
    for root in ROOTS:
        path = f"{root}/nodes/{at.iqn}/{at.portal.host},{at.portal.port}{tag}"
        if host.kind(path) == "file":  # a record without a tag is a file itself
            return (path,)
        found = tuple(f"{path}/{name}" for name in host.names(path))
        if found:
            return found
    return ()


def replace_record(host: Host, path: str, text: str, before: str) -> None:
    """Replace a record's file, 0600, atomically; raise RefusedError when it is another by now.

    The new text is written outside of the folder of records: iscsiadm takes every file there
    for a record.
    """
    target = host.path(path)
    root = next(root for root in ROOTS if path.startswith(f"{root}/"))
    aside = host.path(f"{root}/{ASIDE}")
    with _locked(host):
        if files.read_text(target) != before:
            raise RefusedError(f"{path} was changed by somebody else just now")
        try:
            aside.unlink(missing_ok=True)  # of a run that was killed
            _write(aside, text)
            aside.replace(target)
        except OSError as error:
            raise files.cannot_write(target, error) from error
        files.sync_folder(target.parent)


def _write(path: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, SECRET_MODE), "wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def _locked(host: Host) -> Iterator[None]:
    """Hold the database's lock as iscsiadm does: a second link to a file."""
    lock, held = host.path(f"{LOCK_FOLDER}/lock"), host.path(f"{LOCK_FOLDER}/lock.write")
    deadline = host.clock.monotonic() + LOCK_WAIT_S
    try:
        files.make_folder(lock.parent, 0o700)
        lock.touch(SECRET_MODE)
        while not _linked(lock, held):
            if host.clock.monotonic() >= deadline:
                raise ToolError(
                    f"{held} is there for {LOCK_WAIT_S:g} s: an iscsiadm works on the records",
                    hint=f"when none runs (pgrep iscsiadm), one was killed: rm {held}",
                )
            host.clock.sleep(0.1)
    except OSError as error:
        raise files.cannot_write(lock, error) from error
    try:
        yield
    finally:
        held.unlink(missing_ok=True)


def _linked(lock: Path, held: Path) -> bool:
    try:
        os.link(lock, held)
    except FileExistsError:
        return False
    return True
