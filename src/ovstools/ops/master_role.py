"""Whether this server may act as the server pool's master: locks/master says who is."""

from __future__ import annotations

from ..errors import RefusedError
from ..model.lock_names import FOLDER, MASTER
from ..model.master_record import MasterRecord, parse_master
from ..system import filesystems, o2cb, pool_fs, pool_lock
from ..system.host import Host


def refuse_other_master(host: Host) -> None:
    """Raise RefusedError when another server holds the role; without guest HA nobody does."""
    pool = None if host.offline else pool_fs.find(host)
    if pool is None:
        return
    path = f"{pool.folder}/{FOLDER}/{MASTER}"
    record = parse_master(host.run(filesystems.cat(path)).stdout.encode())
    kernel = o2cb.read_kernel_cluster(host)
    me = kernel.local_node.name if kernel and kernel.local_node else host.hostname()
    if not isinstance(record, MasterRecord) or record.master == me:
        return
    if pool_lock.is_held(host.path(path)):
        raise RefusedError(
            f"the master of this pool is {record.master}, not this server",
            f"it holds {path}",
            hint=f"run it on {record.master}, or take the role over first: "
            f"ovstools pool master {me}",
        )
