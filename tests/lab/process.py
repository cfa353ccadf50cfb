"""Run a program of the host to its end, with a deadline and a useful error."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Mapping, Sequence, Union

from .errors import LabError, tail

Word = Union[str, Path]


def run(
    argv: Sequence[Word],
    timeout_s: float = 60,
    input_text: str | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    cwd: Path | None = None,
) -> str:
    """Run `argv` and give its standard output; with `log`, both outputs go there instead."""
    words = [str(word) for word in argv]
    sink = log.open("ab") if log else None
    try:
        done = subprocess.run(
            words,
            input=input_text.encode() if input_text is not None else None,
            stdin=subprocess.DEVNULL if input_text is None else None,
            stdout=sink or subprocess.PIPE,
            stderr=sink or subprocess.PIPE,
            timeout=timeout_s,
            env=env,
            cwd=cwd,
        )
    except FileNotFoundError as error:
        raise LabError(f"{words[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"no end after {timeout_s:g} s: {shlex.join(words)}") from error
    finally:
        if sink:
            sink.close()
    if done.returncode != 0:
        said = tail(log) if log else (done.stderr or b"").decode(errors="replace").strip()
        raise LabError(f"exit status {done.returncode}: {shlex.join(words)}\n{said}")
    return "" if log else done.stdout.decode(errors="replace")
