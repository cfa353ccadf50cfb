"""Symbolic links: where one leads, word for word."""

from __future__ import annotations

from .host import Host


def link_target(host: Host, path: str) -> str | None:
    """Return what a symbolic link says; None when path is no link."""
    try:
        return str(host.path(path).readlink())
    except OSError:
        return None
