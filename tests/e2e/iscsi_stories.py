"""Stories of iSCSI on one server: the white paper's steps, CHAP, and what cannot be."""

from __future__ import annotations

from tests.e2e import iscsi_journey
from tests.e2e.iscsi_journey import BY_PATH, IQN, PORTAL
from tests.e2e.journey import Typist
from tests.lab import targets as lab_targets
from tests.lab.outcome import Outcome
from tests.lab.server import Server
from tests.lab.targets import Targets

#: for a command, on a machine that runs other labs as well
SLOW_S = 300
SECRET, TARGET_SECRET = "twelve bytes and more", "another long secret"
SECOND = lab_targets.PORTALS[1]
#: a seventh target, which wants CHAP
CHAP = "b2"
OFFERED = len(lab_targets.NAMES) + 1


def add_targets(targets: Targets) -> None:
    """Give the storage what the stories need beside the white paper's targets."""
    targets.add(CHAP, iscsi_journey.OTHERS_MIB)
    targets.require_chap(CHAP, "pool", SECRET, ("array", TARGET_SECRET))
    targets.add("a3", iscsi_journey.OTHERS_MIB, lun=2)


def run(server: Server, line: str, status: int = 0) -> Outcome:
    """Run a line of bash with time enough."""
    return server.sh(line, status=status, timeout_s=SLOW_S)


def state(server: Server) -> list[str]:
    """Return all that a refused or failed command must leave as it was."""
    found = [*iscsi_journey.records(server), *iscsi_journey.sessions(server)]
    shown = "iscsiadm -m node -o show | grep -e startup -e auth; find /etc/iscsi /etc/ovs -type f"
    found += server.sh(shown, status=None).lines
    return found + server.sh("cat /etc/ovs/repositories /proc/mounts", status=None).lines


def refused(server: Server, line: str, *said: str, status: int = 4) -> None:
    """Run a line that must fail, saying why, and leave nothing behind."""
    before = state(server)
    outcome = run(server, line, status)
    for text in said:
        assert text in outcome.stderr, outcome.describe()
    assert "Traceback" not in outcome.stderr
    assert state(server) == before


def the_white_papers_steps(one: Server) -> None:
    """Step by step; before that without iscsid, afterwards the way back."""
    typist = Typist()
    one.sh("systemctl mask --now -q iscsid.socket iscsid.service")
    refused(one, f"ovstools iscsi discover {PORTAL}", "there is no iscsid", "masked")
    one.sh("systemctl unmask -q iscsid.socket iscsid.service")
    found = iscsi_journey.discover(one, typist)
    assert one.sh("systemctl is-active iscsid.socket").stdout == "active\n", "step 2"
    assert len(found.lines) == 1 + OFFERED
    typist.type(one, f"ovstools iscsi discover {SECOND}")
    assert len(iscsi_journey.records(one)) == 2 * OFFERED
    _, verified = iscsi_journey.prune(one, typist)
    assert verified.lines == [f"{PORTAL}:3260,1 {IQN}"], "step 5"
    before, said, after, listed = iscsi_journey.login(one, typist)
    (new,) = set(after.lines) - set(before.lines)
    device = new.split()[-1]
    assert f"LUN 1 is /dev/{device}, 2.0G, blank" in said.stdout, "step 8"
    assert one.sh(f"readlink -f {BY_PATH}").stdout == f"/dev/{device}\n"
    row = listed.lines[1].split()
    assert row[:3] == [f"{PORTAL}:3260", IQN, "automatic"] and f"/dev/{device}" in row
    assert "already logged in" in typist.type(one, "ovstools iscsi login").stdout
    iscsi_journey.discover(one, typist)
    show = f"iscsiadm -m node -T {IQN} -p {PORTAL} -o show"
    assert "node.startup = automatic\n" in one.sh(show).stdout, "discovery again keeps it"
    typist.type(one, f"ovstools iscsi logout {IQN}")
    assert iscsi_journey.sessions(one) == []
    assert not one.exists(BY_PATH)
    assert "node.startup = manual\n" in one.sh(show).stdout
    iscsi_journey.forget(one)


#: stands before the real one in ovstools' path, and keeps its words
WORDS_KEPT = """#!/bin/sh
echo "$@" >>/root/words
exec /usr/sbin/iscsiadm "$@"
"""
#: answers the prompt when it is there: what was typed before it is thrown away
ANSWERED = """
mkfifo /root/keys
script -qefc '{line}' /root/screen <>/root/keys >/dev/null &
until grep -q '{prompt}' /root/screen; do sleep 0.2; done
echo '{answer}' >/root/keys
wait $! && cat /root/screen
"""


def chap(one: Server) -> None:
    """One-way and mutual, from a file and from the terminal; a wrong secret leaves nothing."""
    name = lab_targets.iqn(CHAP)
    good = f"username = pool\npassword = {SECRET}\n"
    files = {
        "wrong": "username = pool\npassword = wrong wrong wrong\n",
        "mutual": f"{good}username_in = array\npassword_in = {TARGET_SECRET}\n",
        "other": f"{good}username_in = array\npassword_in = wrong wrong wrong\n",
    }
    for file, text in files.items():
        one.write(f"/root/{file}.chap", text, mode=0o600)
    run(one, f"iscsiadm -m discovery -t sendtargets -p {PORTAL}")
    login = f"ovstools iscsi login {name} -v"
    refused(one, login, "status 24", "CHAP", status=1)
    refused(one, f"{login} --chap-file /root/wrong.chap", "status 24", status=1)
    refused(one, f"{login} --chap-file /root/other.chap", "status 19", "mutual CHAP", status=1)
    one.write("/usr/local/sbin/iscsiadm", WORDS_KEPT, mode=0o755)
    outcome = run(one, f"{login} --chap-file /root/mutual.chap --json")
    assert SECRET not in outcome.stdout + outcome.stderr
    assert iscsi_journey.sessions(one) == [f"{PORTAL}:3260,1 {name}"]
    assert one.sh("stat -c %a /etc/iscsi/nodes/*.b2/*/*").lines == ["600"]
    run(one, f"ovstools iscsi logout {name}; iscsiadm -m node -T {name} -o delete")
    run(one, f"rm /usr/local/sbin/iscsiadm; iscsiadm -m discovery -t st -p {PORTAL}")
    words = one.read("/root/words")
    assert "--login" in words and SECRET not in words and TARGET_SECRET not in words
    assert SECRET not in one.sh("journalctl -b").stdout
    line = f"{login} --chap-user pool"
    asked = run(one, ANSWERED.format(line=line, prompt="CHAP secret of pool", answer=SECRET))
    assert "logged in" in asked.stdout and SECRET not in asked.stdout.partition("secret of")[2]
    one.sh("chmod 644 /root/mutual.chap")
    refused(one, f"{login} --chap-file /root/mutual.chap", "others can read the secrets")
    iscsi_journey.forget(one)


def makerepo_that_cannot_be(one: Server) -> None:
    """Each leaves nothing behind."""
    make = 'ovs-makerepo iscsi://{} C "cluster root" --format'
    refused(one, make.format(f"10.1.1.9/{IQN}/1"), "no iSCSI portal answers at 10.1.1.9")
    refused(one, make.format(f"{PORTAL}:3261/{IQN}/1"), "Connection refused")
    refused(one, make.format(f"{PORTAL}/{IQN}x/1"), "does not offer", "it offers")
    refused(one, make.format(f"{PORTAL}/{lab_targets.iqn(CHAP)}/1"), "status 24", status=1)
    several = f"{PORTAL}/{lab_targets.iqn('a3')}"
    refused(one, make.format(several), "more than one LUN", "LUN 2", status=1)
    missing = f"OVSTOOLS_LIMITS__DEVICE_WAIT_S=3 {make.format(f'{several}/7')}"
    refused(one, missing, "wait up to 3 s for LUN 7", "no LUN 7", "LUN 1 is", status=1)
