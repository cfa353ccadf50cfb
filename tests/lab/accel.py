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

# name -> (-cpu, -accel)
ACCELERATION = {"tcg": ("max", "tcg,thread=multi"), "kvm": ("host", "kvm")}
PROBE_TIMEOUT_S = 20


def choose(image: Image, cache: Path, progress: Progress) -> str:
    """Name the acceleration: OVSLAB_ACCEL, or what the probe of this machine found."""
    wanted = os.environ.get("OVSLAB_ACCEL", "")
    if wanted:
        if wanted not in ACCELERATION:
            raise LabError(f"OVSLAB_ACCEL is tcg or kvm, not {wanted!r}")
        return wanted
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    record = cache / "accel.json"
    machine = {"host": " ".join(os.uname()), "kernel": digest(image.kernel)}
    known = json.loads(record.read_text()) if record.exists() else {}
    if {name: known.get(name) for name in machine} != machine:
        with progress.step("Probing KVM"):
            known = {**machine, "accel": "kvm" if _boots(image) else "tcg"}
        aside = record.with_suffix(f".{os.getpid()}")
        aside.write_text(json.dumps(known))
        aside.replace(record)
    return str(known["accel"])


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
