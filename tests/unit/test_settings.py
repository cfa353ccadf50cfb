"""Settings: defaults, then the file, then the environment; anything odd is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ovstools import settings
from ovstools.errors import RefusedError, UsageError


def load(tmp_path: Path, text: str | None = None, **environ: str) -> settings.Settings:
    if text is not None:
        file = tmp_path / "etc" / "ovs" / "ovstools.yaml"
        file.parent.mkdir(parents=True)
        file.write_bytes(text.encode("latin-1"))
    return settings.load(tmp_path, {f"OVSTOOLS_{key}": value for key, value in environ.items()})


@pytest.mark.parametrize("text", [None, "", "\n", "# nothing yet\n", "---\n", "paths:\n"])
def test_defaults(tmp_path: Path, text: str | None) -> None:
    assert load(tmp_path, text) == settings.Settings()


def test_file(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        "cluster_name: pool1\npaths:\n  cluster_root: /srv/OVS\nlimits:\n  mount_s: 30\n",
    )
    assert found.cluster_name == "pool1"
    assert found.paths == settings.Paths(cluster_root="/srv/OVS")
    assert found.limits == settings.Limits(mount_s=30.0)


def test_environment_wins(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        "cluster_name: pool1\nlimits: {mount_s: 30, umount_s: 40}\n",
        CLUSTER_NAME="pool2",
        LIMITS__MOUNT_S="31.5",
        PATHS__CLUSTER_ROOT="/x",
    )
    assert found.cluster_name == "pool2"
    assert found.limits == settings.Limits(mount_s=31.5, umount_s=40.0)
    assert found.paths.cluster_root == "/x"


def test_other_variables_do_not_matter(tmp_path: Path) -> None:
    assert settings.load(tmp_path, {"PATH": "/bin", "OVSTOOL": "x"}) == settings.Settings()


@pytest.mark.parametrize(
    "text, problem",
    [
        ("cluster: x\n", "unknown setting 'cluster'"),
        ("paths: {clusterconf: /x}\n", "unknown setting 'paths.clusterconf'"),
        ("1: x\n", "unknown setting '1'"),
        ("paths: /etc\n", "paths: expected keys and values, found '/etc'"),
        ("paths: [a]\n", "paths: expected keys and values"),
        ("- a\n- b\n", "expected keys and values, found ['a', 'b']"),
        ("word\n", "expected keys and values, found 'word'"),
        ("a: [\n", "is not YAML"),
        ("cluster_name: 1\n", "cluster_name: expected a word, found 1"),
        ("cluster_name:\n", "cluster_name: expected a word, found None"),
        ("cluster_name: ''\n", "cluster_name: expected a word"),
        ("paths: {run: run/ovs}\n", "paths.run: expected an absolute path, found 'run/ovs'"),
        ("paths: {run: /run/../etc}\n", "paths.run: expected an absolute path"),
        ("checks: {full_percent: 0}\n", "checks.full_percent: expected 1 to 100, found 0"),
        ("checks: {full_percent: 101}\n", "checks.full_percent: expected 1 to 100"),
        ("checks: {full_percent: most}\n", "checks.full_percent: expected 1 to 100"),
        ("limits: {mount_s: soon}\n", "limits.mount_s: expected seconds, found 'soon'"),
        ("limits: {mount_s: -1}\n", "limits.mount_s: expected seconds"),
        ("limits: {mount_s: yes}\n", "limits.mount_s: expected seconds, found True"),
        ("limits: {mount_s: .nan}\n", "limits.mount_s: expected seconds"),
        ("limits: {mount_s: .inf}\n", "limits.mount_s: expected seconds"),
        ("limits: {mount_s: [1]}\n", "limits.mount_s: expected seconds"),
    ],
)
def test_refuses_in_the_file(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)
    assert problem in caught.value.what
    assert settings.SETTINGS_FILE in caught.value.what


@pytest.mark.parametrize(
    "environ, problem",
    [
        ({"CLUSTER": "x"}, "unknown setting 'cluster'"),
        ({"PATHS__CONF": "/x"}, "unknown setting 'paths.conf'"),
        ({"PATHS": "/x"}, "paths: expected keys and values"),
        ({"PATHS": "/x", "PATHS__RUN": "/y"}, "exclude each other"),
        ({"PATHS__RUN": "/y", "PATHS": "/x"}, "paths: expected keys and values"),
        ({"LIMITS__MOUNT_S": ""}, "limits.mount_s: expected seconds"),
        ({"PATHS__RUN__X": "/y"}, "paths.run: expected a word"),
    ],
)
def test_refuses_in_the_environment(tmp_path: Path, environ: dict[str, str], problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, **environ)
    assert problem in caught.value.what
    assert "environment" in caught.value.what


def test_refuses_what_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        load(tmp_path, "cluster_name: \xff\n")


def test_refuses_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "etc/ovs/ovstools.yaml").mkdir(parents=True)
    with pytest.raises(RefusedError, match=r"cannot read .*: Is a directory"):
        load(tmp_path)
