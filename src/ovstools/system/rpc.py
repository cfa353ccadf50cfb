"""Ask a file server whether it lives, over a connection of our own: that can never hang."""

from __future__ import annotations

import os
import time

from ..model import rpc


def why_silent(address: str, port: int, timeout_s: float) -> str:
    """Say why a file server does not answer within timeout_s; empty: it does.

    address: a name or an address, an IPv6 one without brackets.
    """
    import socket  # here: few commands need it

    end = time.monotonic() + timeout_s
    xid = int.from_bytes(os.urandom(4), "big")
    try:
        with socket.create_connection((address, port), timeout_s) as connection:
            connection.sendall(rpc.null_call(xid))
            record = b""
            while len(record) < 12:
                connection.settimeout(max(0.01, end - time.monotonic()))
                more = connection.recv(64)
                if not more:
                    return "it closed the connection"
                record += more
    except TimeoutError:
        return f"no answer within {timeout_s:g} s"
    except OSError as error:
        return error.strerror or str(error)
    return "" if rpc.is_answer(record, xid) else "what answers there is no NFS server"
