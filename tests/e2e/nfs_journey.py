"""The white paper's procedure "NFS", step by step: an export is the cluster root of a pool."""

from __future__ import annotations

from tests.e2e.journey import Storage, Typist
from tests.lab.fileserver import ROOT, FileServer
from tests.lab.lab import Lab
from tests.lab.outcome import Outcome
from tests.lab.server import Server

SOURCE = ROOT.source
FILE = "/OVS/.server_pool_hb"
POOL = "/run/ovs/poolfs"
MAKE = f'/usr/lib/ovs/ovs-makerepo {SOURCE} C "Cluster Root"'


def show_exports(lab: Lab, typist: Typist) -> None:
    """Start the file server, and show what it exports."""
    FileServer(lab).start()
    typist.say("A file server; the servers have no shared disk")
    typist.type(lab.servers[0], "showmount --exports fileserver.example.com")


def make_cluster_root(lab: Lab, typist: Typist) -> list[Outcome]:
    """Step 2: the same words on every server, at once; one of them makes the heartbeat file."""
    return typist.together(lab, lab.servers, MAKE)


NFS = Storage(SOURCE, show_exports, make_cluster_root, is_formatted=False)


def attached(server: Server) -> list[str]:
    """Return the loop devices of the heartbeat file, by the kernel's own word."""
    line = f"grep -lx {FILE} /sys/block/loop*/loop/backing_file | cut -d/ -f4"
    return server.sh(line, status=None).lines


def direct_io(server: Server) -> str:
    """Return loop/dio of the one loop device."""
    (name,) = attached(server)
    return server.read(f"/sys/block/{name}/loop/dio").strip()


def heartbeat_uuid(server: Server) -> str:
    """Return the region that .ovsrepo names."""
    return server.sh("sed -n s/^HEARTBEAT_UUID=//p /OVS/.ovsrepo").stdout.strip()
