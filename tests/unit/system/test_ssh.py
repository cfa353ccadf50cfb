"""ssh to servers that may not be in the pool yet: what is believed, and what never is."""

from __future__ import annotations

import pytest

from ovstools.settings import Paths
from ovstools.system import ssh

WORDS = ("receive-config", "--json")


def options(argv: tuple[str, ...]) -> list[str]:
    return [word for before, word in zip(argv, argv[1:]) if before == "-o"]


def test_nothing_is_asked_and_nobody_is_believed_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    command = ssh.remote_ovstools(Paths(), "vmserver4.example.com", WORDS, "the letter", 90.0)
    found = options(command.argv)
    assert {"BatchMode=yes", "StrictHostKeyChecking=yes"} <= set(found)
    assert "UserKnownHostsFile=/etc/ovs/ssh/known_hosts /root/.ssh/known_hosts" in found
    assert not any(word.startswith("IdentityAgent") for word in found)
    assert command.timeout_s == 90.0 and command.input == "the letter"
    assert "letter" not in command.shell(), "what is sent is on standard input alone"


def test_the_pools_own_key_comes_first() -> None:
    found = options(ssh.remote_ovstools(Paths(), "b", WORDS).argv)
    keys = [word.partition("=")[2] for word in found if word.startswith("IdentityFile=")]
    assert keys[0] == "/etc/ovs/ssh/id_ed25519"
    assert keys[1:] and all(key.startswith("/root/.ssh/id_") for key in keys[1:])


def test_roots_agent_counts_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/user/0/agent")
    found = options(ssh.remote_ovstools(Paths(), "b", WORDS).argv)
    assert "IdentityAgent=/run/user/0/agent" in found


def test_the_remote_line_is_one_word_and_finds_ovstools() -> None:
    *_, user, dashes, line = ssh.remote_ovstools(Paths(), "b", ("cluster-check", "a b")).argv
    assert (user, dashes) == ("root@b", "--")
    assert line.startswith("env PATH=/usr/local/sbin:")
    assert line.endswith(" ovstools cluster-check 'a b'")
