"""ssh keys of the pool's servers: what each publishes, and the files that are made of it.

A server's file on the pool file system (ssh/NODE.pub) has a line for each thing, so that it is
replaced whole:

    format 1
    host ssh-ed25519 AAAA...        a host key of its sshd
    login ssh-ed25519 AAAA...       the key by which its root logs in on the others
    address 192.168.100.100         where such a log-in comes from
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..errors import ParseError, RefusedError
from .cluster import Node, is_ipv4, is_loopback

FORMAT = 1
#: sshd(8), "AUTHORIZED_KEYS FILE FORMAT"; certificates and hardware keys are no server's
TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
         "ssh-rsa")  # fmt: skip
_BLOB = re.compile(r"AAAA[A-Za-z0-9+/]{20,4000}={0,2}", re.ASCII)
#: ends a line of ours in authorized_keys; the server's name follows
MARK = "ovstools-ssh-setup:"


@dataclass(frozen=True)
class PublicKey:
    """A public key: its type, and the rest in base64."""

    type: str
    blob: str

    def __str__(self) -> str:
        return f"{self.type} {self.blob}"


@dataclass(frozen=True)
class Published:
    """What a server publishes."""

    host_keys: tuple[PublicKey, ...]
    login: PublicKey
    addresses: tuple[str, ...] = ()


def parse_public_key(text: str, source: str, line: int = 1) -> PublicKey:
    """Read a .pub file's text; its comment does not count. Raises ParseError."""
    words = text.split(maxsplit=2)
    if len(words) < 2 or words[0] not in TYPES or not _BLOB.fullmatch(words[1]):
        raise ParseError(source, line, f"a public key ({', '.join(TYPES)})", text[:80].strip())
    return PublicKey(words[0], words[1])


def format_published(node: str, published: Published) -> str:
    """Return the text of a server's file."""
    return "".join(
        f"{line}\n"
        for line in (
            f"# {node}: written by `ovstools ssh-setup` there",
            f"format {FORMAT}",
            *(f"host {key}" for key in published.host_keys),
            f"login {published.login}",
            *(f"address {address}" for address in published.addresses),
        )
    )


def parse_published(text: str, source: str) -> Published:
    """Read it; raise ParseError, or RefusedError for what a later ovstools wrote."""
    host_keys, logins, addresses = [], [], []
    formats: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        word, _, rest = line.partition(" ")
        if word == "format":
            formats.append(rest)
            if rest.isdigit() and int(rest) > FORMAT:
                raise RefusedError(f"{source}: format {rest}; this ovstools knows {FORMAT}",
                                   hint="upgrade ovstools on this server")  # fmt: skip
        elif word == "host":
            host_keys.append(parse_public_key(rest, source, number))
        elif word == "login":
            logins.append(parse_public_key(rest, source, number))
        elif word == "address" and is_ipv4(rest) and not is_loopback(rest):
            addresses.append(rest)
        elif line and not line.startswith("#"):
            raise ParseError(source, number, "format, host, login or address", line[:80])
    if formats != [str(FORMAT)] or len(logins) != 1 or not host_keys:
        raise ParseError(source, 1, "format 1, host keys and one login", text[:80].strip())
    return Published(tuple(host_keys), logins[0], tuple(addresses))


def known_hosts(found: Mapping[Node, Published]) -> str:
    """Return the text of a known_hosts file (sshd(8)): each server by its name and address."""
    lines = ["# Written by `ovstools ssh-setup`, from what each server of the pool publishes."]
    for node, published in found.items():
        lines += [f"{node.name},{node.ip_address} {key}" for key in published.host_keys]
    return "".join(f"{line}\n" for line in lines)


def client_config(nodes: Iterable[Node], path: str) -> str:
    """Return what ssh needs to be told (ssh_config(5)); path: the known hosts.

    For ssh as root's programs call it that take no options from us: libvirtd.
    """
    names = ",".join(name for node in nodes for name in (node.name, node.ip_address))
    return (
        "# Written by `ovstools ssh-setup`: root's programs know the servers of the pool.\n"
        f"Match localuser root host {names}\n"
        f"    GlobalKnownHostsFile {path} /etc/ssh/ssh_known_hosts\n"
        "    StrictHostKeyChecking yes\n"
    )


def authorized_line(node: Node, published: Published) -> str:
    """Return the line that lets a server's root log in, from its own addresses alone.

    restrict takes away terminals and forwarding; a migration needs to run a command and no more
    (`virsh migrate --p2p --tunnelled`, `xl migrate`).
    """
    addresses = ",".join(dict.fromkeys((node.ip_address, *published.addresses)))
    return f'from="{addresses}",restrict {published.login} {MARK}{node.name}'
