"""What this server's libvirt and xl have of a guest that is to come under HA."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import RefusedError
from ...model.domain import parse_dominfo, parse_names
from ...model.xl_domain import parse_xl_list
from ...system import virsh, xl
from ...system.host import Host
from ..hypervisors.asking import said
from ..hypervisors.here import installed
from ..hypervisors.protocol import NOT_INSTALLED
from .steps import asked

XEN_AUTO = "/etc/xen/auto"


@dataclass(frozen=True)
class Known:
    """A domain in libvirt's list."""

    is_running: bool
    has_autostart: bool


def find_uri(host: Host, domain: str, uri: str | None) -> str:
    """Return the connection that has a domain. Raises RefusedError when none has it."""
    uris = (uri,) if uri else tuple(each for each in installed(host) if ":///" in each)
    heard = []
    for each in uris:
        found = asked(host, virsh.dominfo(each, domain))
        if found.status == 0:
            return each
        heard.append(f"{each}: {said(found)}")
    raise RefusedError(
        f"libvirt on this server has no domain {domain}",
        *(heard or ["no libvirt is installed here"]),
        hint="virsh list --all; --connect URI names another connection",
    )


def definition_of(host: Host, uri: str, domain: str) -> str:
    """Return a domain's XML, as it is when the domain is started next. Raises ToolError."""
    return host.run(virsh.dumpxml(uri, domain)).stdout


def look(host: Host, uri: str, domain: str) -> Known | None:
    """Return what libvirt knows of a domain; None: nothing, or there is no libvirt here.

    Raises RefusedError when libvirt does not answer, and for a managed-save image: it would be
    resumed, here and on old disks.
    """
    listed = asked(host, virsh.list_names(uri))
    if listed.status == NOT_INSTALLED:
        return None
    if listed.status != 0:
        raise RefusedError(
            f"{uri} does not say whether {domain} runs here",
            said(listed),
            hint="start libvirtd, or run the command on a server that has this hypervisor",
        )
    if domain not in parse_names(listed.stdout):
        return None
    info = parse_dominfo(host.run(virsh.dominfo(uri, domain)).stdout)
    if info.get("Managed save") == "yes":
        raise RefusedError(
            f"{domain} has a managed-save image: its memory from some time ago, for these disks",
            f"connection {uri}",
            hint=f"virsh -c {uri} start {domain} (and shut it down), or "
            f"virsh -c {uri} managedsave-remove {domain}",
        )
    return Known(info.get("State") != "shut off", info.get("Autostart") == "enable")


def look_xl(host: Host, name: str) -> Known | None:
    """Return what xl knows of a guest; None: nothing, or there is no xl here.

    Raises RefusedError when Xen starts it at boot, or does not answer.
    """
    refuse_xen_autostart(host, name)
    found = asked(host, xl.list_domains())
    if found.status == NOT_INSTALLED:
        return None
    if found.status != 0:
        raise RefusedError(f"xl does not say whether {name} runs here", said(found))
    try:
        is_here = name in parse_xl_list(found.stdout)
    except ValueError as error:
        raise RefusedError(str(error)) from error
    return Known(True, False) if is_here else None


def refuse_xen_autostart(host: Host, name: str) -> None:
    """Raise RefusedError when Xen would start a guest at boot, behind HA's back."""
    for link in host.names(XEN_AUTO):
        if link in (name, f"{name}.cfg"):
            raise RefusedError(
                f"Xen starts {name} at boot, whatever other servers do",
                f"{XEN_AUTO}/{link}",
                hint=f"rm {XEN_AUTO}/{link}",
            )
