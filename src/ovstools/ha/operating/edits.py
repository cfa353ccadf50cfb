"""Edit the operator's files: read, changed and written under locks/config, for the whole pool.

Kill -9 at any point leaves the old or the new file: the lock goes with us, the file is replaced
by rename, and a child that hangs in a write keeps the lock until it can harm nobody.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...errors import BusyError, RefusedError
from ...model import sealed_block
from ...model.lock_names import CONFIG
from ...model.sealed_block import Block, Missing
from .. import locks
from ..locks import Granted
from ..pool_files import read_files, remove_file, replace_file
from ..pool_io import Failed, wait
from .session import Session
from .work import Step

#: other commands, and the agents, hold the lock for moments
PATIENCE_S, POLL_S = 10.0, 0.1
HOLDER, FORMAT = "ovs-config", 1


@contextlib.contextmanager
def locked(session: Session, wait_s: float) -> Iterator[None]:
    """Hold locks/config. Raises BusyError, which names the holder, when it is not free in time."""
    session.lock = descriptor = _taken(session, max(wait_s, PATIENCE_S))
    try:
        _say_who(session, descriptor)
        yield
    finally:
        session.lock = None
        let_go(session, descriptor)


def let_go(session: Session, descriptor: int) -> None:
    """Close a lock's descriptor in a child, where it may wait."""
    try:
        wait(locks.release(session.io, descriptor, session.limit_s))
    except OSError:  # no child could be had
        os.close(descriptor)


def _taken(session: Session, wait_s: float) -> int:
    clock = session.host.clock
    deadline = clock.monotonic() + wait_s
    while True:
        found = session.done(locks.take(session.io, CONFIG, session.limit_s))
        if isinstance(found, Granted):
            return found.descriptor
        if clock.monotonic() >= deadline:
            raise BusyError(
                "another ovstools is changing the pool",
                *_holder(session),
                hint="wait for it: --lock-wait S",
            )
        clock.sleep(POLL_S)


def _say_who(session: Session, descriptor: int) -> None:
    """Leave in the lock file who has it: for those who wait, and so no reason to fail."""
    values = {"node": session.members.node, "pid": str(os.getpid())}
    block = sealed_block.seal(HOLDER, FORMAT, values)
    wait(locks.write_block(session.io, CONFIG, descriptor, block, session.limit_s))


def _holder(session: Session) -> tuple[str, ...]:
    found = wait(locks.read_blocks(session.io, [CONFIG], session.limit_s))
    data = next(iter(found.values())) if isinstance(found, Mapping) else None
    read = sealed_block.unseal(HOLDER, FORMAT, data) if isinstance(data, bytes) else None
    if not isinstance(read, Block):
        return ()
    return (f"taken last on {read.values.get('node')} by pid {read.values.get('pid')}",)


@dataclass(frozen=True)
class PoolEdit:
    """Replace an operator's file; before None: a new one, after None: take it away."""

    root: str
    name: str
    before: str | None
    after: str | None

    def preview(self) -> str:
        """Return a unified diff."""
        path = f"{self.root}/{self.name}"
        lines = difflib.unified_diff(
            list(io.StringIO(self.before or "")),
            list(io.StringIO(self.after or "")),
            "/dev/null" if self.before is None else path,
            "/dev/null" if self.after is None else path,
        )
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in lines
        ).rstrip("\n")

    def apply(self, session: Session) -> None:
        """Write it under the lock, if the file is still what was read."""
        assert session.lock is not None, "operator's files are edited under locks/config"
        _refuse_changed(session, self.name, self.before)
        if self.after is None:
            job = remove_file(session.io, self.name, session.limit_s)
        else:
            data, lock = self.after.encode(), session.lock
            job = replace_file(session.io, self.name, data, session.limit_s, under=lock)
        session.written(self.name, job)


def edit(
    session: Session, title: str, name: str, before: str | None, after: str | None
) -> tuple[Step, ...]:
    """Return the step that brings a file to its new text; none when it is so already."""
    return () if before == after else (Step(title, PoolEdit(session.root, name, before, after)),)


def _refuse_changed(session: Session, name: str, before: str | None) -> None:
    found = session.done(read_files(session.io, [name], session.limit_s))[name]
    if isinstance(found, Failed):
        raise session.refusal(found)
    text = None if isinstance(found, Missing) else found.decode("utf-8", "surrogateescape")
    if text != before:
        raise RefusedError(
            f"{session.root}/{name} was changed by somebody else just now",
            hint="look at the file and run the command again",
        )
