"""What a failed start or a crash leads to: again here, then elsewhere, then error."""

from __future__ import annotations

from .orders import Entry, Phase
from .wishes import Wish

FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 300.0


def pause_s(failures: int) -> float:
    """Return how long to wait after so many failures in a row."""
    return float(min(FIRST_PAUSE_S * 2 ** max(failures - 1, 0), LONGEST_PAUSE_S))


def after_failure(entry: Entry, wish: Wish, reason: str) -> Entry:
    """Return what follows: restart in place, relocation, or error with its reason."""
    restarts = entry.restarts + 1
    if restarts <= wish.max_restart:
        return entry._replace(
            phase=Phase.WAITING, order=None, target=entry.node, restarts=restarts,
            wait_s=pause_s(restarts), reason=reason,
        )  # fmt: skip
    failed = (*entry.failed, entry.node)
    shunned = tuple(dict.fromkeys((*entry.shunned, entry.node)))
    entry = entry._replace(shunned=shunned)
    if len(failed) <= wish.max_relocate:
        return entry._replace(
            phase=Phase.WAITING, order=None, target=None, restarts=0, failed=failed,
            wait_s=pause_s(1), reason=reason,
        )  # fmt: skip
    return entry._replace(
        phase=Phase.ERROR, order=None, target=None, failed=failed, wait_s=0.0,
        reason=f"{reason}; gave up after {', '.join(failed)}",
    )  # fmt: skip


def cleared(entry: Entry) -> Entry:
    """Forget past failures: the guest is healthy, or its operator starts anew."""
    return entry._replace(restarts=0, failed=(), wait_s=0.0, moves=0, reason="")
