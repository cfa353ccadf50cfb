"""ovstools as the servers get it: the checkout's wheel, unpacked, with its console scripts."""

from __future__ import annotations

import configparser
import importlib.metadata as metadata
import importlib.util
import io
import os
import re
import shutil
import sys
import tarfile
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from . import cache, recipe
from .errors import LabError
from .image import Image
from .process import run
from .server import Server

# What the installed package is made from; the rest of a checkout does not reach the servers.
SOURCES = ("src", "pyproject.toml", "setup.cfg", "setup.py", "MANIFEST.in")
MADE_BY = cache.digest(Path(__file__))
LEFT_OUT = ("tests", "build", "dist")
GENERATED = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*")
SCRIPT = """\
#!{venv}/bin/python3
import sys

from {module} import {function}

sys.exit({function}())
"""
INSTALL = r"""
set -e
lib=$(echo /opt/ovstools/lib/python3.*/site-packages)
rm -rf "$lib"/ovstools "$lib"/ovstools-*.dist-info
if test -e /opt/ovstools/ovslab-scripts; then
    (cd /usr/local/sbin && xargs rm -f </opt/ovstools/ovslab-scripts)
fi
tar -xzf - -C /
if test -n "$COMPILE"; then /opt/ovstools/bin/python3 -m compileall -q "$lib/ovstools"; fi
while read -r script; do
    ln -sf "/opt/ovstools/bin/$script" "/usr/local/sbin/$script"
done </opt/ovstools/ovslab-scripts
"""


def is_there(checkout: Path) -> bool:
    """Tell whether the checkout has a package to install yet."""
    built = any((checkout / name).exists() for name in ("pyproject.toml", "setup.cfg", "setup.py"))
    return built and (checkout / "src" / "ovstools" / "__init__.py").exists()


def key(checkout: Path) -> str:
    """Name the package by its sources; empty when there is none."""
    if not is_there(checkout):
        return ""
    return cache.digest(MADE_BY, *(checkout / name for name in SOURCES))


@contextmanager
def snapshot(checkout: Path) -> Iterator[Path]:
    """Give a copy of what matters: nobody edits it, and setuptools may write into it."""
    with tempfile.TemporaryDirectory(prefix="ovslab-") as temporary:
        copy = Path(temporary) / "ovstools"
        copy.mkdir()
        for path in checkout.iterdir():
            if path.is_dir() and not path.name.startswith(".") and path.name not in LEFT_OUT:
                shutil.copytree(path, copy / path.name, ignore=GENERATED, symlinks=True)
            elif path.is_file():
                shutil.copy2(path, copy / path.name)
        yield copy


class Bundle:
    """A tar archive for the servers' root folder, made from a snapshot, and its installation."""

    def __init__(self, checkout: Path, image: Image) -> None:
        with tempfile.TemporaryDirectory(prefix="ovslab-") as temporary:
            folder = Path(temporary)
            wheel = _build_wheel(checkout, folder)
            self.compiled = sys.implementation.cache_tag and (
                importlib.util.MAGIC_NUMBER.hex() == image.python["magic"]
            )
            tree = folder / "tree"
            self.scripts = _unpack(wheel, tree, image)
            if self.compiled:
                self._compile(tree)
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
                for path in sorted(tree.rglob("*")):
                    archive.add(path, str(path.relative_to(tree)), False, filter=_as_root)
        self.archive = buffer.getvalue()

    def install(self, server: Server) -> str:
        """Replace what a server has; give a remark, or nothing."""
        script = f"COMPILE={'' if self.compiled else 1}\n{INSTALL}"
        server.run("bash", "-c", script, input=self.archive, timeout_s=120)
        if "ovstools" not in self.scripts:
            return "The package has no command ovstools yet"
        outcome = server.run("ovstools", "install-links", status=None)
        if outcome.status == 2 or "ModuleNotFoundError" in outcome.stderr:
            return "ovstools has no command install-links yet"
        if outcome.status != 0:
            raise LabError(f"{server.short_name}: ovstools does not run\n{outcome.describe()}")
        return ""

    @staticmethod
    def _compile(tree: Path) -> None:
        """Write the byte code here, at native speed: the servers' Python takes the same."""
        # Stale byte code would win over a source of the same second: tar keeps the times.
        words = ("-m", "compileall", "-q", "-s", str(tree), "-p", "/", str(tree))
        run([sys.executable, *words], timeout_s=120)


def _as_root(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    if entry.isdir():
        entry.mode = 0o755
    return entry


def _build_wheel(checkout: Path, folder: Path) -> Path:
    argv = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(folder)]
    if _has_setuptools():
        argv.append("--no-build-isolation")  # saves fetching setuptools each time
    run([*argv, str(checkout)], timeout_s=300, env={**os.environ, "PIP_NO_INPUT": "1"})
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise LabError(f"expected one wheel of {checkout}, found {wheels}")
    return wheels[0]


def _has_setuptools() -> bool:
    """Tell whether this Python has a setuptools that reads pyproject.toml."""
    try:
        metadata.version("wheel")
        return int(metadata.version("setuptools").split(".")[0]) >= 64
    except (metadata.PackageNotFoundError, ValueError):
        return False


def _unpack(wheel: Path, tree: Path, image: Image) -> list[str]:
    venv = tree / recipe.VENV.lstrip("/")
    library = venv / "lib" / f"python{image.python['version']}" / "site-packages"
    library.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(library)
    for data in library.glob("*.data"):
        for part, target in (("data", venv), ("purelib", library), ("platlib", library)):
            if (data / part).is_dir():
                shutil.copytree(data / part, target, dirs_exist_ok=True)
        shutil.rmtree(data)
    (information,) = library.glob("*.dist-info")
    _check_dependencies(information / "METADATA")
    return _write_scripts(information / "entry_points.txt", venv)


def _write_scripts(entry_points: Path, venv: Path) -> list[str]:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(entry_points)
    scripts = dict(parser["console_scripts"]) if "console_scripts" in parser else {}
    (venv / "bin").mkdir(exist_ok=True)
    for name, target in scripts.items():
        module, _, function = target.partition(":")
        path = venv / "bin" / name
        path.write_text(SCRIPT.format(venv=recipe.VENV, module=module, function=function.strip()))
        path.chmod(0o755)
    (venv / "ovslab-scripts").write_text("".join(f"{name}\n" for name in scripts))
    return list(scripts)


def _check_dependencies(file: Path) -> None:
    """Refuse a package that needs more than the image holds."""
    there = {_name(word) for word in recipe.DEPENDENCIES}
    for line in file.read_text().splitlines():
        if line.startswith("Requires-Dist:") and "extra ==" not in line:
            needed = _name(line.split(":", 1)[1])
            marker = line.partition(";")[2]
            if needed not in there and "python_version" not in marker:
                raise LabError(
                    f"ovstools needs {needed}, which the image has not:"
                    " add it to DEPENDENCIES in tests/lab/recipe.py"
                )


def _name(requirement: str) -> str:
    found = re.match(r"\s*([A-Za-z0-9._-]+)", requirement)
    return re.sub(r"[-_.]+", "-", found.group(1)).lower() if found else ""
