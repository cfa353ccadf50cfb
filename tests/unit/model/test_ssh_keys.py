"""What servers publish of their keys, and the files that are made of it."""

from __future__ import annotations

import pytest

from ovstools.errors import ParseError, RefusedError
from ovstools.model.authorized_keys import AuthorizedKeys
from ovstools.model.cluster import Node
from ovstools.model.ssh_keys import (
    PublicKey,
    Published,
    authorized_line,
    client_config,
    format_published,
    known_hosts,
    parse_public_key,
    parse_published,
)

ED = PublicKey("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIEmM2xZ1")
RSA = PublicKey("ssh-rsa", "AAAAB3NzaC1yc2EAAAADAQABAAABgQC7=")
NODE = Node("vmserver2.example.com", 1, "192.168.100.101")
PUBLISHED = Published((ED, RSA), ED, ("192.168.100.101", "10.0.0.2"))
LINE = f'from="192.168.100.101,10.0.0.2",restrict {ED} ovstools-ssh-setup:vmserver2.example.com'
OTHERS = '# mine\nssh-rsa AAAAB3 root@laptop\n\ncommand="x" ssh-ed25519 AAAAC3 a b'


def test_published_comes_back() -> None:
    text = format_published(NODE.name, PUBLISHED)
    assert parse_published(text, "ssh/x.pub") == PUBLISHED
    assert parse_published(text.replace("format 1\n", "\nformat 1\n# more\n"), "x") == PUBLISHED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "format 1\n",
        f"host {ED}\nlogin {ED}\n",
        f"format 1\nlogin {ED}\n",
        f"format 1\nhost {ED}\n",
        f"format 1\nformat 1\nhost {ED}\nlogin {ED}\n",
        f"format 1\nhost {ED}\nlogin {ED}\nlogin {RSA}\n",
        f"format 1\nhost {ED}\nlogin {ED}\naddress 127.0.0.1\n",
        f'format 1\nhost {ED}\nlogin {ED}\naddress 10.0.0.1",command="rm\n',
        f"format 1\nhost {ED}\nlogin {ED}\nwhat else\n",
        f"format 1\nhost ssh-ed25519 {ED.blob[:9]}\nlogin {ED}\n",
        f"format 1\nhost {ED}\nlogin sk-ssh-ed25519@openssh.com {ED.blob}\n",
    ],
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_published(text, "ssh/x.pub")


def test_a_later_format_is_refused_as_such() -> None:
    with pytest.raises(RefusedError, match="format 2; this ovstools knows 1") as error:
        parse_published("format 2\nwhat else\n", "ssh/x.pub")
    assert "upgrade" in error.value.hint


@pytest.mark.parametrize(
    "text, found",
    [
        (f"{ED} root@vmserver1\n", ED),
        (f"{RSA}", RSA),
    ],
)
def test_public_key(text: str, found: PublicKey) -> None:
    assert parse_public_key(text, "x.pub") == found


@pytest.mark.parametrize("text", ["", "ssh-ed25519", f'from="x" {ED}', "ssh-dss AAAAB3NzaC1kc3MA"])
def test_no_public_key(text: str) -> None:
    with pytest.raises(ParseError, match="expected a public key"):
        parse_public_key(text, "x.pub")


def test_known_hosts() -> None:
    header, *lines = known_hosts({NODE: PUBLISHED}).splitlines()
    assert header.startswith("# Written by")
    assert lines == [
        f"vmserver2.example.com,192.168.100.101 {ED}",
        f"vmserver2.example.com,192.168.100.101 {RSA}",
    ]


def test_client_config_is_for_root_and_the_pool_alone() -> None:
    assert client_config([NODE], "/etc/ovs/ssh/known_hosts").splitlines()[1:] == [
        "Match localuser root host vmserver2.example.com,192.168.100.101",
        "    GlobalKnownHostsFile /etc/ovs/ssh/known_hosts /etc/ssh/ssh_known_hosts",
        "    StrictHostKeyChecking yes",
    ]


def test_authorized_line() -> None:
    assert authorized_line(NODE, PUBLISHED) == LINE


# ---------------------------------------------------------------- authorized_keys


@pytest.mark.parametrize(
    "before, wanted, after",
    [
        ("", {"a": "NEW ovstools-ssh-setup:a"}, "NEW ovstools-ssh-setup:a\n"),
        (OTHERS, {"a": "NEW ovstools-ssh-setup:a"}, f"{OTHERS}\nNEW ovstools-ssh-setup:a\n"),
        (f"{OTHERS}\r\n", {}, f"{OTHERS}\r\n"),
        ("x\nOLD ovstools-ssh-setup:a\ny\n", {"a": "NEW ovstools-ssh-setup:a"},
         "x\nNEW ovstools-ssh-setup:a\ny\n"),
        ("x\nOLD ovstools-ssh-setup:a\ny\n", {}, "x\ny\n"),
        ("OLD ovstools-ssh-setup:a\nOLD ovstools-ssh-setup:a\n",
         {"a": "NEW ovstools-ssh-setup:a"}, "NEW ovstools-ssh-setup:a\n"),
        ("# OLD ovstools-ssh-setup:a\n", {}, "# OLD ovstools-ssh-setup:a\n"),
        ("OLD ovstools-ssh-setup:bad\n", {}, "OLD ovstools-ssh-setup:bad\n"),
        ("ssh-rsa AAAA ovstools-ssh-setup:a me\n", {}, "ssh-rsa AAAA ovstools-ssh-setup:a me\n"),
    ],
)  # fmt: skip
def test_only_our_lines_change(before: str, wanted: dict[str, str], after: str) -> None:
    keys = AuthorizedKeys.parse(before)
    assert str(keys) == before
    changed = keys.with_servers(wanted, {"bad"})
    assert str(changed) == after
    assert changed.with_servers(wanted, {"bad"}) == changed
