"""Libvirt's drivers that do not show all domains in one call: Xen, and the base of containers."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Union

from ...model import domain
from ...model.command import Result
from ...system import virsh
from .asking import said
from .domain_power import power_of
from .libvirt import Libvirt
from .protocol import TIMED_OUT, Look, Request, Unknown

#: how often a list is asked for again when a domain went before its state was asked
TRIES = 3

Listing = Generator[Request, Result, Union[Mapping[str, domain.ListedDomain], Unknown]]


class LibvirtListed(Libvirt):
    """Two calls a look: the names, and then every domain's state; see protocol.Hypervisor."""

    _graceful = (False,)  # virDomainDestroyFlags: qemu's driver alone
    _keep = ()

    def _ask(self) -> Look:
        listed = yield from self._list()
        if isinstance(listed, Unknown):
            return listed
        return {name: power_of(each.state) for name, each in listed.items()}

    def _list(self) -> Listing:
        shown = Result(0)
        for _ in range(TRIES):
            listed = yield virsh.list_names(self.uri)
            if listed.status != 0:
                return Unknown(said(listed))
            names = domain.parse_names(listed.stdout)
            if not names:
                return {}
            shown = yield virsh.domstates(self.uri, names)
            if shown.status == TIMED_OUT:
                break
            try:
                found = domain.parse_domstates(shown.stdout)
            except ValueError as error:
                return Unknown(str(error))
            if len(found) == len(names):  # else one went between the two: virsh's status says so
                return found
        return Unknown(said(shown))
