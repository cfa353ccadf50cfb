"""The one question that is asked of a file server directly: ONC RPC's NULL (RFC 5531).

Every RPC program has procedure 0, which takes nothing, does nothing and answers. Any answer says
that the server lives; none says that what is mounted from it hangs.
"""

from __future__ import annotations

import struct

NFS_PROGRAM = 100003
#: version 3 is the oldest that is wanted; a server without it answers "mismatch", which will do
_VERSION = 3
_CALL, _REPLY, _RPC_VERSION, _NULL = 0, 1, 2, 0
_LAST_FRAGMENT = 0x80000000


def null_call(xid: int) -> bytes:
    """Return the call, as a record for TCP; without credentials."""
    words = (xid, _CALL, _RPC_VERSION, NFS_PROGRAM, _VERSION, _NULL, 0, 0, 0, 0)
    return struct.pack(">I10I", _LAST_FRAGMENT | 4 * len(words), *words)


def is_answer(record: bytes, xid: int) -> bool:
    """Tell whether a record's beginning (12 bytes) is the answer to our call."""
    if len(record) < 12:
        return False
    _, answered, kind = struct.unpack_from(">3I", record)
    return bool(answered == xid and kind == _REPLY)
