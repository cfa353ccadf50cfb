"""`make demo STORAGE=san|iscsi|nfs`: the white paper's procedure as a story, on virtual servers."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Sequence

import click

from tests.e2e import iscsi_journey, journey, nfs_journey
from tests.e2e.journey import Storage
from tests.lab.lab import Lab
from tests.lab.outcome import Outcome
from tests.lab.server import Server

STORAGES = {"san": journey.SAN, "iscsi": iscsi_journey.ISCSI, "nfs": nfs_journey.NFS}
GUESTS = ("web", "db")
#: within this a server that is back is ready for guests; it takes seconds on real machines
READY_S = 120
DATA = "/OVS/running_pool/{name}.log"
#: a guest of the hypervisor `process`: it writes its server and a count, once a second
PROGRAM = """command:
- /bin/sh
- -c
- 'n=0; while sleep 1; do n=$((n+1)); echo $(hostname) $n >>/OVS/running_pool/{name}.log; done'
"""
BOLD, DIM, GREEN, OFF = "\033[1m", "\033[2m", "\033[32m", "\033[0m"


class Narrator(journey.Typist):
    """Shows each line as it is typed, and its output."""

    def __init__(self) -> None:
        self._colour = sys.stdout.isatty()
        self._lock = threading.Lock()
        self._begin = time.monotonic()

    def type(
        self, server: Server, line: str, status: int | None = 0, timeout_s: float = 180
    ) -> Outcome:
        """Show the prompt and the line, run it, show what it printed."""
        outcome = super().type(server, line, status, timeout_s)
        with self._lock:
            self._show(server, line, outcome)
        return outcome

    def together(self, lab: Lab, servers: Sequence[Server], line: str) -> list[Outcome]:
        """Run on all at once; show one after the other."""
        names = ", ".join(server.short_name for server in servers)
        if len(servers) > 1:
            self.note(f"(the same line on {names}, at once)")
        outcomes = lab.on_all(lambda server: server.sh(line, timeout_s=180), servers)
        for server, outcome in zip(servers, outcomes):
            self._show(server, line, outcome)
        return outcomes

    def say(self, text: str) -> None:
        """Print a heading with the time since the beginning."""
        seconds = time.monotonic() - self._begin
        click.echo(f"\n{self._in(BOLD, f'── {text}')} {self._in(DIM, f'[{seconds:.0f} s]')}")

    def note(self, text: str) -> None:
        """Print a remark."""
        click.echo(self._in(DIM, text))

    def _show(self, server: Server, line: str, outcome: Outcome) -> None:
        click.echo(f"{self._in(GREEN, f'[root@{server.short_name} ~]#')} {self._in(BOLD, line)}")
        for text in (outcome.stderr, outcome.stdout):
            for each in text.splitlines():
                click.echo(f"  {each}")
        if outcome.status:
            click.echo(f"  (exit status {outcome.status})")
        click.echo(f"  {self._in(DIM, f'{outcome.duration_s:.1f} s')}")

    def _in(self, code: str, text: str) -> str:
        return f"{code}{text}{OFF}" if self._colour else text


def story(lab: Lab, storage: Storage) -> None:
    """Tell it; every claim is asserted as well."""
    narrator = Narrator()
    one, two, three = lab.servers
    storage.show(lab, narrator)
    narrator.type(one, "cat /etc/hosts")

    narrator.say("White paper, step 1: the cluster. First look at what would be done")
    line = f"/usr/lib/ovs/ovs-cluster-configure {journey.node_options(lab.servers)}"
    narrator.type(one, f"{line} --timing {journey.TIMING} --dry-run | head -12")
    narrator.note("(threshold 7, the lowest there is, keeps the demo short; the default is 31)")
    journey.configure(lab, narrator)

    if storage.is_formatted:
        refuse_unasked_format(narrator, one, storage)
    else:
        narrator.say("White paper, step 2: the cluster root, with a heartbeat file in it")
    storage.make_cluster_root(lab, narrator)
    journey.start_at_boot(lab, narrator)

    narrator.say("White paper, step 3: is it configured correctly, and running?")
    narrator.type(one, "/usr/lib/ovs/ovs-cluster-check --master --alter-fstab")
    narrator.together(lab, [two, three], "/usr/lib/ovs/ovs-cluster-check --format plain")
    narrator.type(two, "ovstools repositories list")

    narrator.say("A file written on one server is read on another")
    narrator.type(one, 'echo "hello from $(hostname)" > /OVS/seed_pool/hello')
    read = narrator.type(three, "cat /OVS/seed_pool/hello")
    assert read.stdout == f"hello from {one.name}\n", read.describe()

    narrator.say("What must not happen: make something else of what the pool is using")
    narrator.type(one, "systemctl stop ovs-agent.service && ovstools offlinerepo /OVS")
    words = 'C "mine now" --format --force' if storage.is_formatted else '1 "mine now"'
    narrator.type(one, f"ovs-makerepo {storage.source} {words}", status=4)
    narrator.type(one, "ovstools repositories start && systemctl start ovs-agent.service")

    guests_under_ha(lab, narrator, three)

    narrator.say(f"The power of {three.short_name} is cut")
    narrator.type(one, f"cat {journey.LIVE_NODES}")
    cut = journey.cut_power(lab, narrator, three)
    narrator.type(one, f"cat {journey.LIVE_NODES}")
    assert (cut.before, cut.after) == ({0, 1, 2}, {0, 1}), cut
    narrator.note(
        f"{three.short_name} was declared dead {cut.declared_dead_s:.1f} s after the cut "
        f"(threshold 7: 14 s); a write on {two.short_name} was done at {cut.written_s:.1f} s"
    )
    narrator.type(one, "ls -l /OVS; cat '/OVS/written after the power cut'")
    narrator.type(one, "ovs-cluster-check --format plain", status=None)

    guests_come_back(narrator, one, three)

    narrator.say(f"{three.short_name} gets its power back: it boots, and is in the pool again")
    three.power_on()
    narrator.type(three, "findmnt /OVS; cat /OVS/seed_pool/hello")
    narrator.type(one, f"cat {journey.LIVE_NODES}")
    journey.wait_for_live_nodes(one, 0, 1, 2)
    one.wait_until("ovstools status", READY_S, poll_s=1)
    narrator.type(one, "ovstools status", status=None)  # guests may be on their way home by now
    narrator.say("Done: the pool is whole, and nothing was lost")


def refuse_unasked_format(narrator: Narrator, server: Server, storage: Storage) -> None:
    """Show that a blank device is not formatted before somebody says so."""
    narrator.say("White paper, step 2: the cluster root. Without --format nothing is formatted")
    line = f'/usr/lib/ovs/ovs-makerepo {storage.source} C "cluster root"'
    refused = narrator.type(server, line, status=None)
    # 4: nothing was changed; 1: but this server is logged in to its target now
    assert refused.status in (1, 4) and "--format" in refused.stderr, refused.describe()


def guests_under_ha(lab: Lab, narrator: Narrator, home: Server) -> None:
    """Bring two guests under HA, and let them run on one server."""
    one = lab.servers[0]
    narrator.say("White paper, chapter HA: guests that restart elsewhere when their server fails")
    narrator.note("(plain processes here, which write where they are; libvirt's guests go alike)")
    for name in GUESTS:
        narrator.type(one, f"cat >/root/{name}.yaml <<'END'\n{PROGRAM.format(name=name)}END")
        line = f"ovstools vm add {name} /root/{name}.yaml --preferred {home.name} --state started"
        narrator.type(one, f"{line} && ovstools vm set {name} mem_mb=16")
    for name in GUESTS:  # each starts when it fits: they need not be waited for one by one
        one.wait_until(f"tail -n 1 {DATA.format(name=name)} | grep -q {home.name}", READY_S)
    narrator.type(one, "ovstools status")
    narrator.type(one, "ovstools what-if", status=None)
    for name in GUESTS:
        assert where(one, name) == home.name, name


def guests_come_back(narrator: Narrator, witness: Server, lost: Server) -> None:
    """Show them on other servers, each once, and what took how long."""
    narrator.say("The guests of the lost server run again, on the survivors")
    for name in GUESTS:
        witness.wait_until(f"! tail -n 1 {DATA.format(name=name)} | grep -q {lost.name}", 120)
    narrator.type(witness, "ovstools status", status=None)
    narrator.type(witness, f"tail -n 2 {DATA.format(name='*')}")
    narrator.type(witness, "ovstools vm history | tail -n 30")
    for name in GUESTS:
        assert where(witness, name) != lost.name, name


def where(server: Server, guest: str) -> str:
    """Return the server that a guest wrote last."""
    return server.sh(f"tail -n 1 {DATA.format(name=guest)}").stdout.split()[0]


def main() -> int:
    """Run the demo on a lab of its own, and clean up whatever happens."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    name = sys.argv[1] if sys.argv[1:] else "san"
    if name not in STORAGES:
        click.echo(f"demo: STORAGE is one of {', '.join(STORAGES)}, not {name}", err=True)
        return 2
    lab = Lab.open(servers=3)
    try:
        lab.restore()
        story(lab, STORAGES[name])
    except KeyboardInterrupt:
        click.echo("\ninterrupted", err=True)
        return 130
    finally:
        lab.down()
        lab.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
