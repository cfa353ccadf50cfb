"""How much of a command line's time on a server is ours, and how much its tools' and waits'."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.lab.server import Server

PROGRAM = '''
"""Run a command line; the last line says how long all of it took, its tools, and its waits."""
import json, os, sys, time
from ovstools.cli import main
from ovstools.system.clock import Clock
from ovstools.system.runner import Runner

spent, within = {"tools": 0.0, "waits": 0.0}, []

def timed(kind, function):
    def call(*arguments, **words):
        begin = time.monotonic()
        within.append(kind)
        try:
            return function(*arguments, **words)
        finally:
            within.pop()
            if not within:  # a tool's own end is waited for as well
                spent[kind] += time.monotonic() - begin
    return call

Runner.run = timed("tools", Runner.run)
Runner.run_together = timed("tools", Runner.run_together)
Clock.sleep = timed("waits", Clock.sleep)
name, *words = sys.argv[1:]
status = main.run(main.load_command(name), name, words)
print()
print(json.dumps({"all": time.time() - float(os.environ["BEGIN"]), **spent}))
sys.exit(status)
'''


def record_share(server: Server, line: str, record: Callable[[str, object], None]) -> None:
    """Run a line such as `makerepo ...`, and record its seconds: all, tools, waits, own."""
    server.write("/root/own_share.py", PROGRAM)
    python = f"BEGIN=$(date +%s.%N) /opt/ovstools/bin/python /root/own_share.py {line}"
    took = json.loads(server.sh(python, timeout_s=300).lines[-1])
    took["own"] = took["all"] - took["tools"] - took["waits"]
    verb = line.split()[0]
    record(f"{verb}_s", {name: round(seconds, 1) for name, seconds in took.items()})
