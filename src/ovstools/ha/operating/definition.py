"""A guest's definition, of whatever hypervisor: recognized by what is in it, and read."""

from __future__ import annotations

from ...errors import RefusedError
from ...model.guest_definition import CONTAINER, GuestDefinition
from ...model.xen_cfg import XL, parse_xen_cfg
from ..hypervisors.process import PROCESS
from ..hypervisors.process_definition import parse_process
from .domain_xml import parse_domain_xml

#: what a definition is called in a repository's running_pool/NAME/
FILES = {XL: "vm.cfg", PROCESS: "process.yaml"}
DOMAIN_FILE = "vm.xml"


def parse(text: str, source: str, hypervisor: str | None = None) -> GuestDefinition:
    """Read a definition; hypervisor: whose form it has, None: see by the text.

    Raises RefusedError that names the source.
    """
    wanted = hypervisor or recognized(text)
    try:
        if wanted == PROCESS:
            parse_process(text)
            return GuestDefinition(PROCESS, kind=CONTAINER)
        if wanted == XL:
            return parse_xen_cfg(text)
        return parse_domain_xml(text)
    except ValueError as error:
        raise RefusedError(f"{source}: {error}", hint="correct the definition") from error


def recognized(text: str) -> str | None:
    """Tell whose form a text has; None: libvirt's."""
    lines = [line.strip() for line in text.splitlines()]
    first = next((line for line in lines if line and not line.startswith("#")), "")
    if first.startswith("<"):
        return None
    if any(line.partition(":")[0] == "command" and ":" in line for line in lines):
        return PROCESS
    return XL


def file_name(hypervisor: str) -> str:
    """Return what a definition's file is called."""
    return FILES.get(hypervisor, DOMAIN_FILE)
