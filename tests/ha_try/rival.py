"""An agent that takes itself for ordered to start every guest: `rival.py FOLDER NODE`.

Two of them at once are what no master would do: only lock, record and certificate stand between.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ovstools.ha.agent import Agent
from ovstools.ha.driver.driver import Driver
from ovstools.ha.driver.loop import Loop
from ovstools.ha.observation import Observation
from ovstools.ha.orders import START, Entry, Order, Orders, Phase
from ovstools.ha.report import ACCEPTED
from ovstools.ha.trial import layout, server
from ovstools.system.clock import Clock
from ovstools.system.talk import Talk

EPOCH = 1000


class Rival(Agent):
    """Believes in orders of its own, for all guests on this server."""

    def _remember(self, observation: Observation) -> None:
        super()._remember(observation)
        assert observation.files is not None
        me = self.identity.node
        names = enumerate(sorted(observation.files.wishes.guests), 1)
        self.orders = Orders(
            epoch=EPOCH + self.identity.number,
            entries={n: Entry(Phase.STARTING, me, Order((EPOCH, i), START, me)) for i, n in names},
        )


def main(folder: str, node: str) -> None:
    """Start all guests, print what became of each, and end."""
    os.setsid()
    trial = layout.load(Path(folder))
    place = server.place(trial, node, Talk())
    driver = Driver(Loop(Clock()), place, Rival(place.identity))
    driver.begin()
    guests = driver.sight.guests
    while True:
        driver.run_once()
        answers = [a for a in driver.agent.answers.values() if a.status != ACCEPTED]
        if guests() and len(answers) == len(guests()):
            break
    for (_, number), answer in sorted(driver.agent.answers.items()):
        sys.stdout.write(f"{number} {answer.status} {answer.text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
