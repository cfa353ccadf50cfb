"""/proc/PID/fdinfo/FD (proc(5)): which locks an open file carries.

The kernel answers from memory: unlike fstat(2), which takes a cluster lock on OCFS2, this never
waits for storage.
"""

from __future__ import annotations


def holds_flock(text: str) -> bool:
    """Tell whether the open file holds an exclusive flock(2).

    A line reads `lock:\t1: FLOCK  ADVISORY  WRITE 4711 08:11:12 0 EOF`.
    """
    locks = (line.split() for line in text.splitlines() if line.startswith("lock:"))
    return any(words[2:5] == ["FLOCK", "ADVISORY", "WRITE"] for words in locks)
