"""The timeline's commands: what each does to the simulated pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...model.owner_record import GuestState, OwnerRecord
from ..report import Power
from ..wishes import ASK_MASTER, ASK_START, DISABLED, STARTED, STOPPED, Ask, Mark, Wish
from .dlm import KEEPER
from .scenario import GUEST_CPU, GUEST_MEM_MB
from .server import DOWN

if TYPE_CHECKING:
    from .server import Server
    from .world import World


class Commands:
    """Carries out the timeline on a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._asks = 0

    def do(self, words: tuple[str, ...]) -> None:
        """Carry out one command."""
        self.world.note("command", text=[" ".join(words)])
        name, arguments = words[0], words[1:]
        method: Callable[..., None] = getattr(self, "_" + name.replace("-", "_"))
        method(*arguments)

    def _server(self, name: str) -> Server:
        return self.world.servers[name]

    # ------------------------------------------------------------ servers

    def _power_on(self, node: str) -> None:
        self.world.machines.power_on(self._server(node))

    def _power_off(self, node: str) -> None:
        self.world.machines.power_off(self._server(node))

    def _net_off(self, node: str) -> None:
        self.world.o2cb.net_off(self._server(node))
        self.world.sight_changed()

    def _net_on(self, node: str) -> None:
        self._server(node).net_off_since = None
        self.world.membership_changed()

    def _storage_off(self, node: str) -> None:
        self.world.o2cb.storage_off(self._server(node))
        self.world.sight_changed()

    def _storage_on(self, node: str) -> None:
        self.world.o2cb.storage_on(self._server(node))
        self.world.membership_changed()

    def _shutdown(self, node: str) -> None:
        self.world.machines.shutdown(self._server(node), "power-off")

    def _reboot(self, node: str) -> None:
        self.world.machines.shutdown(self._server(node), "reboot")

    def _store_fail(self, node: str) -> None:
        self._server(node).store_ok = False
        self.world.sight_changed()

    def _store_ok(self, node: str) -> None:
        self._server(node).store_ok = True
        self.world.sight_changed()

    def _repository_off(self, node: str, uuid: str) -> None:
        server = self._server(node)
        mounted = server.repositories
        if mounted is None:  # until now: all that anybody needs
            mounted = frozenset(w.repository for w in self.world.store.wishes.guests.values())
        server.repositories = mounted - {uuid}
        self.world.wake(server)

    def _repository_on(self, node: str, uuid: str) -> None:
        server = self._server(node)
        if server.repositories is not None:
            server.repositories |= {uuid}
            self.world.wake(server)

    # ------------------------------------------------------------ agents

    def _restart_daemon(self, node: str) -> None:
        self._end_agent(node, 2.0)

    def _kill_daemon(self, node: str) -> None:
        self._end_agent(node, 5.0)

    def _end_agent(self, node: str, again_s: float) -> None:
        server = self._server(node)
        if server.is_up and server.agent_state != DOWN:
            self.world.stop_agent(server, again_s)

    def _hang_daemon(self, node: str) -> None:
        self.world.hang_agent(self._server(node))

    def _kill_keeper(self, node: str) -> None:
        """Free every lock in a keeper, its descriptor store as well; guests run on without."""
        server = self._server(node)
        if not server.is_up:
            return
        self.world.watch.by_hand.update(filter(server.runs, server.guests))
        for name in list(server.kept):
            self.world.dlm.close(server, name, KEEPER)
        self.world.wake_all()

    # ------------------------------------------------------------ the operator

    def _maintenance_on(self, node: str) -> None:
        policy = self.world.store.wishes.policy
        self.world.store.change_policy(maintenance=policy.maintenance | {node})
        self.world.operator_wrote()

    def _maintenance_off(self, node: str) -> None:
        policy = self.world.store.wishes.policy
        self.world.store.change_policy(maintenance=policy.maintenance - {node})
        self.world.operator_wrote()

    def _disarm(self, mode: str) -> None:
        self.world.store.change_policy(ha=False, ha_off=mode)
        self.world.note("disarmed", mode=mode)
        self.world.operator_wrote()

    def _arm(self) -> None:
        self.world.store.change_policy(ha=True)
        self.world.note("armed")
        self.world.operator_wrote()

    def _set(self, guest: str, state: str) -> None:
        self._wants(guest, state)
        self.world.edit_guest(guest, state=state)

    def _wants(self, guest: str, state: str) -> None:
        off = self.world.watch.off_since
        if state in (STOPPED, DISABLED):
            off.setdefault(guest, self.world.clock.now)
        else:
            off.pop(guest, None)

    def _stop(self, guest: str, seconds: str) -> None:
        self._wants(guest, STOPPED)
        self.world.edit_guest(guest, state=STOPPED, stop_s=float(seconds))

    def _migrate(self, guest: str, node: str) -> None:
        self._ask("migrate", guest, node)

    def _relocate(self, guest: str, node: str) -> None:
        self._ask("relocate", guest, node)

    def _start(self, guest: str) -> None:
        self._set(guest, STARTED)
        self._ask(ASK_START, guest)

    def _master(self, node: str) -> None:
        self._ask(ASK_MASTER, "", node)

    def _ask(self, verb: str, guest: str, node: str = "") -> None:
        self._asks += 1
        ask = Ask(f"request-{self._asks}", verb, guest, node)
        self.world.store.change(asks=(*self.world.store.wishes.asks, ask))
        self.world.operator_wrote()

    def _add(self, guest: str, node: str, state: str) -> None:
        server = self._server(node)
        wish = Wish(guest, node, state, cpu=GUEST_CPU, mem_mb=GUEST_MEM_MB)
        self._wants(guest, state)
        if guest not in self.world.store.records:
            self.world.store.records[guest] = OwnerRecord(
                guest, node, server.number, f"{node}-added", "added", GuestState.STOPPED
            )
        guests = {**self.world.store.wishes.guests, guest: wish}
        self.world.store.change(guests=guests)
        self.world.operator_wrote()

    def _delete(self, guest: str) -> None:
        guests = dict(self.world.store.wishes.guests)
        guests.pop(guest, None)
        self.world.store.change(guests=guests)
        self.world.operator_wrote()

    def _lock(self, guest: str, kind: str) -> None:
        wish = self.world.store.wishes.guests.get(guest)
        if wish is not None:
            host = self.world.host_of(guest)
            self.world.edit_guest(guest, mark=Mark(kind, host.name if host else wish.home))

    def _load(self, guest: str, cpu: str, mem_mb: str) -> None:
        self.world.edit_guest(guest, cpu=float(cpu), mem_mb=int(float(mem_mb)))

    # ------------------------------------------------------------ guests

    def _crash(self, guest: str) -> None:
        self._ends(guest, Power.CRASHED, "crashed")

    def _halt(self, guest: str) -> None:
        self._ends(guest, Power.SHUT_DOWN, "halted")

    def _destroy(self, guest: str) -> None:
        self._ends(guest, Power.DESTROYED, "destroyed")

    def _ends(self, guest: str, power: Power, event: str) -> None:
        host = self.world.host_of(guest)
        if host is not None:
            self.world.hypervisors.set_power(host, guest, power)
            self.world.note(event, node=host.name, guest=guest)
            self.world.wake(host)

    def _io_error(self, guest: str) -> None:
        if self.world.host_of(guest) is not None:
            self.world.hypervisors.io_errors.add(guest)
        self._ends(guest, Power.STUCK, "stuck")

    def _io_ok(self, guest: str) -> None:
        self.world.hypervisors.io_errors.discard(guest)

    def _manual_move(self, guest: str, node: str) -> None:
        """Move a running guest with the hypervisor's own tools, or one that is off by its files."""
        host, target = self.world.host_of(guest), self._server(node)
        if host is None:
            self.world.edit_guest(guest, home=node)
        elif host is target or not self.world.sees_store(target):
            return  # the hypervisor's hook gets no answer there, and refuses
        elif self.world.o2cb.connected(host, target):
            self.world.watch.by_hand.add(guest)
            self.world.hypervisors.move(host, target, guest, Power.RUNNING)
            self.world.wake(host)
