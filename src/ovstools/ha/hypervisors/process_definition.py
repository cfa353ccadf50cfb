"""The definition of a guest that is a plain process: YAML with command, env and cwd."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_KEYS = {"command", "env", "cwd"}


@dataclass(frozen=True)
class ProcessDefinition:
    """What is run: its words, what is added to its environment, and where; / when empty."""

    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""


def parse_process(text: str) -> ProcessDefinition:
    """Parse a definition. Raises ValueError."""
    import yaml  # here: only a start reads a definition

    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    if not isinstance(values, dict):
        raise ValueError("expected keys: command, and perhaps env, cwd")
    unknown = sorted(str(key) for key in set(values) - _KEYS)
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}; known: command, cwd, env")
    command = values.get("command")
    if not isinstance(command, list) or not command:
        raise ValueError("command: expected a list of words")
    cwd = values.get("cwd", "")
    if cwd and not (isinstance(cwd, str) and cwd.startswith("/")):
        raise ValueError("cwd: expected an absolute path")
    words = tuple(_word(word, "command") for word in command)
    if not all(words):
        raise ValueError("command: a word is empty")
    return ProcessDefinition(words, _env(values.get("env") or {}), cwd)


def _env(values: Any) -> Mapping[str, str]:
    if not isinstance(values, dict):
        raise ValueError("env: expected names and values")
    for name in values:
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"env: {name!r} is no variable's name")
    return {name: _word(value, f"env {name}") for name, value in values.items()}


def _word(value: Any, where: str) -> str:
    """Take a word or a number, as a person would write it; yes and no are too ambiguous."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or "\0" in str(value):
        raise ValueError(f"{where}: expected a word, found {value!r}; put it in quotes")
    return str(value)
