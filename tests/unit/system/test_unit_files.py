"""Unit files: names and quoting as systemd wants them."""

from __future__ import annotations

import pytest

from ovstools.system import unit_files


@pytest.mark.parametrize(
    "path, name",
    [  # as printed by systemd-escape --path (systemd 252)
        ("/OVS", "OVS"),
        ("/srv/ovs", "srv-ovs"),
        ("/srv/my-ovs", "srv-my\\x2dovs"),
        ("/.ovs", "\\x2eovs"),
        ("/a.b/_c:d", "a.b-_c:d"),
        ("/mit leer/ü", "mit\\x20leer-\\xc3\\xbc"),
    ],
)
def test_escape_path(path: str, name: str) -> None:
    assert unit_files.escape_path(path) == name


@pytest.mark.parametrize(
    "program, word",
    [
        ("/usr/bin/ovstools", "/usr/bin/ovstools"),
        ("/opt/100%/ovstools", "/opt/100%%/ovstools"),
        ("/opt/my tools/ovstools", '"/opt/my tools/ovstools"'),
    ],
)
def test_quoted_program(program: str, word: str) -> None:
    assert unit_files.quoted_program(program) == word
    text = unit_files.unit_text("ovsrepositories.service", program)
    assert f"ExecStop={word} repositories stop --lock-wait 60 --wait 30\n" in text
    assert "@OVSTOOLS@" not in text


def test_the_pool_file_system_is_unmounted_before_the_root_that_its_file_is_on() -> None:
    texts = unit_files.drop_ins("/OVS", "/run/ovs/poolfs")
    names = ("OVS", "OVS-", "run-ovs-poolfs")
    del texts["machine-.scope.d/10-ovstools.conf"]
    assert list(texts) == [f"{name}.mount.d/10-ovstools.conf" for name in names]
    above = [name for name, text in texts.items() if "\nAfter=OVS.mount\n" in text]
    assert above == ["run-ovs-poolfs.mount.d/10-ovstools.conf"]
    assert all("Before=ovsrepositories.service\n" in text for text in texts.values())


def test_a_units_own_limits_are_above_ours() -> None:
    text = unit_files.unit_text("ovsrepositories.service", "/usr/bin/ovstools")
    assert "TimeoutStartSec=30min\n" in text and "TimeoutStopSec=15min\n" in text
