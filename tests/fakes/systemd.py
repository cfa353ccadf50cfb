"""A systemd for one service: it reads notifications, keeps descriptors, gives them back."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from ovstools.system import descriptors

#: puts the descriptors at 3, 4, ... as systemd does, and becomes the service
LAUNCHER = """
import os, sys
count = int(sys.argv[1])
given = [int(word) for word in sys.argv[2 : 2 + count]]
high = [os.dup2(each, 200 + index) for index, each in enumerate(given)]
for each in given:
    os.close(each)
for index, each in enumerate(high):
    os.dup2(each, 3 + index)
    os.close(each)
os.environ["LISTEN_PID"] = str(os.getpid())
words = sys.argv[2 + count :]
os.execv(words[0], words)
"""


class FakeSystemd:
    """Starts a service, keeps its descriptor store, and starts it again."""

    def __init__(self, folder: Path, words: list[str], environment: dict[str, str]) -> None:
        self.store: list[tuple[str, int]] = []
        self.is_ready = threading.Event()
        self.listens = threading.Event()
        self.listens.set()
        self.process: subprocess.Popen[str] | None = None
        self._words = words
        self._address = str(folder / "notify")
        self._environment = {**os.environ, **environment, "NOTIFY_SOCKET": self._address}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self._address)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def start(self) -> None:
        """Start the service with what is in the store, and wait until it is ready."""
        self.is_ready.clear()
        numbers = [str(descriptor) for _, descriptor in self.store]
        listen = {
            "LISTEN_FDS": str(len(self.store)),
            "LISTEN_FDNAMES": ":".join(name for name, _ in self.store),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, str(len(numbers)), *numbers, *self._words],
            env={**self._environment, **(listen if numbers else {})},
            pass_fds=[descriptor for _, descriptor in self.store],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.is_ready.wait(30), "the service never became ready"

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        """End the service by a signal; the store stays."""
        assert self.process
        self.process.send_signal(number)
        status = self.process.wait(30)
        assert self.process.stderr
        self.process.stderr.close()
        return status

    def stop(self) -> None:
        """End all, and forget the store."""
        if self.process and self.process.poll() is None:
            self.kill()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self.listens.set()
        self._thread.join(5)
        self._socket.close()
        descriptors.close_all(descriptor for _, descriptor in self.store)
        self.store = []

    def _listen(self) -> None:
        while True:
            packet, received = descriptors.receive(self._socket, 4096)
            self.listens.wait()
            if not packet:
                return
            said = dict(line.partition("=")[::2] for line in packet.decode().splitlines())
            if "FDSTORE" in said:
                self.store.append((said["FDNAME"], received.pop()))
            elif "FDSTOREREMOVE" in said:
                gone = [each for each in self.store if each[0] == said["FDNAME"]]
                self.store = [each for each in self.store if each not in gone]
                descriptors.close_all(descriptor for _, descriptor in gone)
            elif "READY" in said:
                self.is_ready.set()
            descriptors.close_all(received)
