"""An ext4 superblock as ``dumpe2fs -h DEVICE`` prints it."""

from __future__ import annotations

import re

from ..errors import ParseError


def parse_size(text: str) -> int:
    """Return how many bytes the file system covers."""
    blocks, size = (
        re.search(rf"^{name}: +(\d+)$", text, re.ASCII | re.MULTILINE)
        for name in ("Block count", "Block size")
    )
    if blocks is None or size is None:
        raise ParseError("dumpe2fs", 1, "'Block count:' and 'Block size:'", text.strip()[:200])
    return int(blocks[1]) * int(size[1])
