"""The very words for virsh, xl, systemd-run and systemctl."""

from __future__ import annotations

import pytest

from ovstools.model.command import Command
from ovstools.system import guest_units, head, scopes, virsh, xl

Q, L = "qemu:///system", "lxc:///system"
VIRSH = f"virsh --connect {Q}"
THERE = virsh.at(Q, "vmserver2", "/etc/ovs/ssh/id ed")


@pytest.mark.parametrize(
    "command, words",
    [
        (virsh.list_names(L), f"virsh --connect {L} list --all --name"),
        (virsh.domstats(Q), f"{VIRSH} domstats --state --raw"),
        (virsh.dominfo(Q, "a"), f"{VIRSH} dominfo a"),
        (virsh.domid(Q, "a"), f"{VIRSH} domid a"),
        (virsh.dumpxml(Q, "a"), f"{VIRSH} dumpxml --inactive a"),
        (virsh.define(Q, "/a.xml"), f"{VIRSH} define /a.xml"),
        (virsh.no_autostart(Q, "a"), f"{VIRSH} autostart --disable a"),
        (virsh.start(Q, "a"), f"{VIRSH} start a"),
        (virsh.shutdown(Q, "a"), f"{VIRSH} shutdown a"),
        (virsh.destroy(Q, "a", True), f"{VIRSH} destroy --graceful a"),
        (virsh.destroy(Q, "a", False), f"{VIRSH} destroy a"),
        (virsh.suspend(Q, "a"), f"{VIRSH} suspend a"),
        (virsh.resume(Q, "a"), f"{VIRSH} resume a"),
        (virsh.undefine(Q, "a", ("--keep-nvram",)), f"{VIRSH} undefine --keep-nvram a"),
        (virsh.abort_job(Q, "a"), f"{VIRSH} domjobabort a"),
        (virsh.listen(Q), f"{VIRSH} event --event lifecycle --loop --timestamp"),
        (
            virsh.migrate(Q, "a", THERE, 9),
            f"{VIRSH} migrate --live --p2p --tunnelled --persistent --suspend a "
            "'qemu+ssh://root@vmserver2/system?keyfile=/etc/ovs/ssh/id%20ed&no_tty=1'",
        ),
        (xl.list_domains(), "xl list"),
        (xl.shutdown("a"), "xl shutdown -F a"),
        (xl.destroy("a"), "xl destroy a"),
        (xl.pause("a"), "xl pause a"),
        (xl.unpause("a"), "xl unpause a"),
        (xl.migrate("a", "b", "ssh -T", 9), "xl migrate -p -s 'ssh -T' a b"),
        (scopes.freeze("m-*.scope"), "systemctl freeze 'm-*.scope'"),
        (scopes.thaw("m-*.scope"), "systemctl thaw 'm-*.scope'"),
        (guest_units.stop("a.service"), "systemctl stop --no-block a.service"),
        (
            guest_units.kill("a.service"),
            "systemctl kill --kill-whom=all --signal=SIGKILL a.service",
        ),
        (guest_units.freeze("a.service"), "systemctl freeze a.service"),
        (guest_units.thaw("a.service"), "systemctl thaw a.service"),
        (guest_units.clear("a.service"), "systemctl reset-failed a.service"),
        (head.read("/a b"), "head --bytes=1048576 -- '/a b'"),
    ],
)
def test_words(command: Command, words: str) -> None:
    assert command.shell() == words


def test_several_of_virshs_commands_in_one_word() -> None:
    (word,) = virsh.domstates(L, ("a", "it's")).argv[3:]
    assert word == (
        "echo = 'a'; domstate --reason 'a'; domid 'a'; "
        r"echo = 'it'\''s'; domstate --reason 'it'\''s'; domid 'it'\''s'"
    )
    (word,) = virsh.shutdown_container(L, "a").argv[3:]
    assert word == "shutdown --mode initctl 'a'; shutdown --mode signal 'a'"


def test_without_a_key_ssh_chooses() -> None:
    assert virsh.at(Q, "b") == "qemu+ssh://root@b/system?no_tty=1"


def test_only_looks_change_nothing() -> None:
    looks = (virsh.domstats(Q), virsh.listen(Q), xl.list_domains(), guest_units.show())
    assert not any(command.changes for command in looks)
    assert virsh.start(Q, "a").changes
    assert xl.destroy("a").changes


def test_create_says_how_the_domain_ends() -> None:
    assert xl.create("/a.cfg", "a", "7c3c").argv == (
        "sh", "-c", 'env -i PATH="$PATH" LC_ALL=C xl create "$@"; exit $?', "xl",
        "--defconfig=/a.cfg", 'name="a"', 'uuid="7c3c"',
        'on_poweroff="preserve"', 'on_crash="preserve"', 'on_watchdog="preserve"',
    )  # fmt: skip
    assert not any(word.startswith("uuid") for word in xl.create("/a.cfg", "a", "").argv)


def test_a_process_is_a_unit_in_the_slice_of_guests() -> None:
    command = guest_units.run("a.service", "Guest a", ("/bin/x", "-y"), {"A": "b c"}, "/tmp", 7.5)
    assert command.argv[:2] == ("systemd-run", "--quiet")
    for word in (
        "--unit=a.service", "--slice=machine.slice", "--property=Type=exec",
        "--property=RemainAfterExit=yes", "--property=ExecStop=/bin/true",
        "--property=ExecStopPost=/bin/false", "--property=TimeoutStopSec=7.5s",
        "--property=After=ovs-locks.service ovsrepositories.service",
        "--property=Before=ovs-agent.service", "--setenv=A=b c", "--working-directory=/tmp",
    ):  # fmt: skip
        assert word in command.argv
    assert "--collect" not in command.argv  # the reason of its end would go with it
    assert command.argv[-3:] == ("--", "/bin/x", "-y")
    bare = guest_units.run("a.service", "Guest a", ("/bin/x",), {}, "", 7.5)
    assert not any(word.startswith(("--setenv", "--working")) for word in bare.argv)
