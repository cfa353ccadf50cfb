"""A guest's definition, of whatever hypervisor: recognized by what is in it, and read."""

from __future__ import annotations

import re

from ...errors import RefusedError
from ...model.guest_definition import CONTAINER, GuestDefinition
from ...model.xen_cfg import XL, parse_xen_cfg
from ..forms.guest_file import PROCESS
from ..hypervisors.process_definition import parse_process
from .domain_xml import parse_domain_xml

#: what a definition is called in a repository's running_pool/NAME/
FILES = {XL: "vm.cfg", PROCESS: "process.yaml"}
DOMAIN_FILE = "vm.xml"
#: of YAML that is meant to define a process, and does not
_COMMAND = re.compile(r"""^[{\s]*["']?command["']?\s*:""", re.MULTILINE)


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
    if text.lstrip().startswith("<"):
        return None
    try:
        parse_process(text)
    except ValueError:
        return PROCESS if _COMMAND.search(text) else XL
    return PROCESS


def file_name(hypervisor: str) -> str:
    """Return what a definition's file is called."""
    return FILES.get(hypervisor, DOMAIN_FILE)
