"""Make the servers' root disk: a Debian tree by mmdebstrap, in an ext4 image by mke2fs -d."""

from __future__ import annotations

import json
import shutil
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

from . import cache, recipe
from .errors import LabError
from .process import run
from .progress import Progress

DEBIAN_SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
MIRROR = "http://deb.debian.org/debian"
# Read with the code: a later edit of these files has no part in what this process builds.
MADE_BY = cache.digest(Path(__file__), Path(recipe.__file__))


@dataclass(frozen=True)
class Image:
    """A finished image; nothing in its folder changes any more."""

    folder: Path

    @property
    def root(self) -> Path:
        """The raw disk that the servers' overlays stand on."""
        return self.folder / "root.img"

    @property
    def kernel(self) -> Path:
        """The Debian kernel."""
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """Its initramfs."""
        return self.folder / "initrd"

    @property
    def build_id(self) -> str:
        """What tells two builds of one recipe apart: a saved state fits only its own build."""
        return (self.folder / "build_id").read_text().strip()

    @property
    def host_key(self) -> str:
        """The servers' common public host key, `TYPE BASE64`."""
        return (self.folder / "host_key.pub").read_text().strip()

    @property
    def python(self) -> dict[str, str]:
        """The guest's Python: its `version`, as in 3.11, and the `magic` of its byte code."""
        loaded: dict[str, str] = json.loads((self.folder / "python.json").read_text())
        return loaded


def key(public_key: str) -> str:
    """Name an image by what it is made from."""
    return cache.digest(MADE_BY, public_key)


def find(folder: Path, public_key: str) -> Image | None:
    """Give the image if it is there."""
    final = folder / key(public_key)
    if not final.exists():
        return None
    final.touch()
    return Image(final)


def ensure(folder: Path, public_key: str, progress: Progress) -> Image:
    """Give the image, made first if it is not there; the caller holds the cache's lock."""
    final = folder / key(public_key)
    if not final.exists():
        cache.prune(folder)
        with cache.new_folder(final) as aside, progress.step("Building the servers' image"):
            _build(aside, public_key, progress)
    final.touch()
    return Image(final)


def _build(aside: Path, public_key: str, progress: Progress) -> None:
    tree, log = aside / "tree", aside / "build.log"
    with progress.step("Debian and its packages (mmdebstrap)"):
        _bootstrap(tree, log)
    with progress.step("Files and ovstools' dependencies"):
        _customize(tree, public_key)
        _make_venv(tree, aside / "wheels", log)
    with progress.step("Root disk (mke2fs)"):
        shutil.copyfile(tree / "vmlinuz", aside / "vmlinuz")
        shutil.copyfile(tree / "initrd.img", aside / "initrd")
        _make_disk(tree, aside / "root.img", log)
    (aside / "build_id").write_text(f"{uuid.uuid4()}\n")
    cache.remove(tree)


def _bootstrap(tree: Path, log: Path) -> None:
    hooks = []
    for path, text in recipe.EARLY_FILES.items():
        quoted = text.replace("\n", "\\n")
        hooks.append(
            f'--setup-hook=mkdir -p "$1/{Path(path).parent}" && printf "{quoted}" >"$1/{path}"'
        )
    run(
        [
            "mmdebstrap",
            "--mode=root",
            "--variant=minbase",
            f"--include={','.join(recipe.PACKAGES)}",
            '--aptopt=Acquire::Check-Valid-Until "false"',
            "--aptopt=Acquire::Languages none",
            "--dpkgopt=force-unsafe-io",
            "--dpkgopt=path-exclude=/usr/share/doc/*",
            "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*",
            *hooks,
            recipe.SUITE,
            tree,
            DEBIAN_SOURCES if DEBIAN_SOURCES.exists() else MIRROR,
        ],
        timeout_s=1800,
        log=log,
    )


def _customize(tree: Path, public_key: str) -> None:
    for path, (mode, text) in recipe.FILES.items():
        target = tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.write_text(text)
        target.chmod(mode)
    keys = tree / "root/.ssh/authorized_keys"
    keys.parent.mkdir(mode=0o700, exist_ok=True)
    keys.write_text(public_key + "\n")
    run(["systemctl", f"--root={tree}", "mask", *recipe.MASKED])
    generators = tree / "etc/systemd/system-generators"
    generators.mkdir(parents=True, exist_ok=True)
    for name in recipe.MASKED_GENERATORS:
        (generators / name).symlink_to("/dev/null")
    run(["systemctl", f"--root={tree}", "disable", *recipe.DISABLED])
    run(["systemctl", f"--root={tree}", "enable", "ovslab-identity.service"])
    run(["systemctl", f"--root={tree}", "set-default", "multi-user.target"])
    host_key = (tree / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2]
    (tree.parent / "host_key.pub").write_text(" ".join(host_key) + "\n")


def _make_venv(tree: Path, wheels: Path, log: Path) -> None:
    asked = "import importlib.util as u, sys, json; print(json.dumps(dict("
    asked += "version='%d.%d' % sys.version_info[:2], magic=u.MAGIC_NUMBER.hex())))"
    python = json.loads(run(["chroot", tree, "python3", "-c", asked]))
    (tree.parent / "python.json").write_text(json.dumps(python))
    # Fetched by this machine's pip: its configuration names files that a chroot cannot see.
    platforms = [f"--platform=manylinux{tag}_x86_64" for tag in ("2014", "_2_17", "_2_28", "_2_34")]
    run(
        [
            *(sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:"),
            *(f"--python-version={python['version']}", *platforms, f"--dest={wheels}"),
            *recipe.DEPENDENCIES,
        ],
        timeout_s=600,
        log=log,
    )
    inside = tree / "tmp" / "wheels"
    shutil.copytree(wheels, inside)
    run(["chroot", tree, "python3", "-m", "venv", recipe.VENV], timeout_s=300, log=log)
    run(
        [
            *("chroot", str(tree), "env", "-i", "PATH=/usr/bin:/bin", f"{recipe.VENV}/bin/pip"),
            *("install", "-q", "--no-index", "--find-links=/tmp/wheels", *recipe.DEPENDENCIES),
        ],
        timeout_s=300,
        log=log,
    )
    shutil.rmtree(inside)


def _make_disk(tree: Path, disk: Path, log: Path) -> None:
    (tree / "etc/resolv.conf").unlink(missing_ok=True)
    with disk.open("wb") as file:
        file.truncate(recipe.IMAGE_MIB << 20)
    run(
        [
            *("mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", "-m", "0", "-d", str(tree)),
            *("-E", "lazy_itable_init=0,lazy_journal_init=0", str(disk)),
        ],
        timeout_s=600,
        log=log,
    )
    if not (tree / "usr/sbin/mkfs.ocfs2").exists() and not (tree / "sbin/mkfs.ocfs2").exists():
        raise LabError("the image has no mkfs.ocfs2: ocfs2-tools is not in it")
