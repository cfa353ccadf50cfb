"""Installing with pip into a fresh environment, and running from a checkout without installing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]
COMMANDS = (
    "ovstools",
    "ovs-makerepo",
    "ovs-offlinerepo",
    "ovs-cluster-configure",
    "ovs-cluster-check",
    "ovs-hb-ctl",
)


def run(*words: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    """Run a program away from the checkout, with nothing of this test's environment."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        words,
        env={**keep, "PATH": path},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bin folder of a fresh environment with ovstools, installed as the README says."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    shutil.copytree(CHECKOUT, source, ignore=shutil.ignore_patterns(".*", "build", "*.egg-info"))
    for words in (
        (sys.executable, "-m", "venv", str(folder / "venv")),
        (str(folder / "venv/bin/python"), "-m", "pip", "install", "--quiet", str(source)),
    ):
        done = run(*words)
        assert done.returncode == 0, done.stderr
    return folder / "venv" / "bin"


@pytest.mark.parametrize("command", COMMANDS)
def test_pip_installs_the_command(installed: Path, command: str) -> None:
    done = run(str(installed / command), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: {command} ")


def test_the_package_brings_what_it_reads(installed: Path, tmp_path: Path) -> None:
    """Unit files are data of the package: a wheel without them fails only here."""
    done = run(str(installed / "ovstools"), "--root", str(tmp_path), "install-units", "--no-enable")
    assert done.returncode == 0, done.stderr
    (unit,) = tmp_path.rglob("ovsrepositories.service")
    assert f"{installed}/ovstools" in unit.read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_checkout_runs_without_installing(command: str) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # its python has the libraries
    done = run(str(CHECKOUT / "bin" / command), "--help", path=path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: {command} ")
