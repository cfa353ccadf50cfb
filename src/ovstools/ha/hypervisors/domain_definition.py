"""The definition of one of libvirt's guests: what its XML says of whose it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Definition:
    """Who a definition is of, as far as it says so."""

    name: str
    uuid: str = ""


def parse_definition(text: str) -> Definition:
    """Read the name and the UUID of a domain's XML. Raises ValueError."""
    from xml.etree import ElementTree  # here: only a start reads a definition

    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"no XML: {error}") from error
    name = (root.findtext("name") or "").strip()
    if root.tag != "domain" or not name:
        raise ValueError(f"expected <domain> with a <name>, found <{root.tag}>")
    return Definition(name, (root.findtext("uuid") or "").strip())


def same_uuid(one: str, other: str) -> bool:
    """Compare two UUIDs, with or without dashes, in either case."""
    return one.replace("-", "").lower() == other.replace("-", "").lower()
