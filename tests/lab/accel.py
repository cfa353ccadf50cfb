"""Choose between emulation and KVM; KVM only where a guest kernel was seen to boot with it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from .cache import digest
from .errors import LabError
from .image import Image
from .progress import Progress

# What QEMU emulates worst is left out of the emulated CPU: SMAP, and AVX with its large state.
PLAIN_CPU = "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+rdrand"
# name -> (-cpu, -accel)
ACCELERATION = {"tcg": (PLAIN_CPU, "tcg,thread=multi,tb-size=512"), "kvm": ("host", "kvm")}
PROBE_TIMEOUT_S = 20
RECORD = "accel.json"


def choose(image: Image, cache: Path, progress: Progress) -> str:
    """Name the acceleration: OVSLAB_ACCEL, or what the probe of this machine found."""
    choice = known(image, cache)
    if choice is None:
        with progress.step("Probing KVM"):
            choice = "kvm" if _boots(image) else "tcg"
        aside = cache / f"accel.{os.getpid()}"
        aside.write_text(json.dumps({**_machine(image), "accel": choice}))
        aside.replace(cache / RECORD)
    return choice


def known(image: Image, cache: Path) -> str | None:
    """Name the acceleration, or nothing when it takes a probe."""
    wanted = os.environ.get("OVSLAB_ACCEL", "")
    if wanted:
        if wanted not in ACCELERATION:
            raise LabError(f"OVSLAB_ACCEL is tcg or kvm, not {wanted!r}")
        return wanted
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    try:
        record = json.loads((cache / RECORD).read_text())
    except (OSError, ValueError):
        return None
    machine = _machine(image)
    return str(record["accel"]) if record.items() >= machine.items() else None


def _machine(image: Image) -> dict[str, str]:
    return {"host": " ".join(os.uname()), "kernel": digest(image.kernel)}


def _boots(image: Image) -> bool:
    """Boot the guest's kernel until its first process ends, which is a panic by design."""
    cpu, accel = ACCELERATION["kvm"]
    argv = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none"]
    argv += ["-machine", "pc", "-accel", accel, "-cpu", cpu, "-m", "512", "-no-reboot"]
    argv += ["-kernel", str(image.kernel), "-initrd", str(image.initrd), "-serial", "stdio"]
    argv += ["-append", "console=ttyS0 panic=-1 rdinit=/bin/false net.ifnames=0"]
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and b"Attempted to kill init" in done.stdout
