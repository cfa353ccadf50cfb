"""How a try's guests ended, told as ovs-guests(7) says."""

from __future__ import annotations

from pathlib import Path

import pytest

from ovstools.ha.report import Power
from ovstools.ha.trial.bare_process import BareProcesses


@pytest.mark.parametrize(
    ("status", "power"),
    [
        ("0", Power.SHUT_DOWN),
        ("143", Power.SHUT_DOWN),  # SIGTERM
        ("137", Power.CRASHED),  # SIGKILL
        ("1", Power.CRASHED),
        (None, Power.CRASHED),
    ],
)
def test_an_end_by_sigterm_is_a_shutdown_from_inside(
    tmp_path: Path, status: str | None, power: Power
) -> None:
    folder = tmp_path / "guests/web"
    folder.mkdir(parents=True)
    (folder / "pid").write_text("999999999\n")
    if status is not None:
        (folder / "exit").write_text(f"{status}\n")
    with pytest.raises(StopIteration) as ended:
        next(BareProcesses(tmp_path, "one").look())
    assert ended.value.value == {"web": power}
