"""Talk to a QEMU process: its machine protocol over a socket."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from types import TracebackType
from typing import Any, Type

from .errors import LabError


class Qmp:
    """One conversation; `with Qmp(path) as qmp: qmp.execute("stop")`."""

    def __init__(self, path: Path, timeout_s: float = 60) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(str(path))
            self._lines = self._socket.makefile("rb")
            self._read()
            self.execute("qmp_capabilities")
        except OSError as error:
            self._socket.close()
            raise LabError(f"QEMU does not answer at {path}: {error}") from error

    def __enter__(self) -> Qmp:
        return self

    def __exit__(
        self,
        kind: Type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lines.close()
        self._socket.close()

    def execute(self, command: str, **arguments: Any) -> Any:
        """Give the answer to one command; events on the way are passed over."""
        message = {"execute": command, "arguments": arguments}
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
            answer = self._read()
            while "event" in answer:
                answer = self._read()
        except OSError as error:
            raise LabError(f"QEMU at {self._path} did not answer {command}: {error}") from error
        if "error" in answer:
            raise LabError(f"QEMU refused {command}: {answer['error'].get('desc')}")
        return answer["return"]

    def wait_event(self, name: str) -> None:
        """Read on until an event of that name comes, within the conversation's time limit."""
        try:
            while self._read().get("event") != name:
                pass
        except OSError as error:
            raise LabError(f"QEMU at {self._path}: no {name}: {error}") from error

    def _read(self) -> Any:
        line = self._lines.readline()
        if not line:
            raise LabError(f"QEMU at {self._path} hung up")
        return json.loads(line)
