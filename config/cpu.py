"""How many cores this process may really use: its affinity and its control group's quota count, not the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def usable_cores(root: Path = Path("/")) -> int:
    """Whole cores, at least 1. `root` is where /proc and /sys are found."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        cores = os.cpu_count() or 1
    # Rounded down: a thread over the quota makes all of them wait for the next period.
    return max(1, int(min([float(cores), *_quotas(root)])))


def _quotas(root: Path) -> Iterator[float]:
    """The limit, in cores, of every control group around this process (version 2 and version 1)."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    mounts = root / "sys/fs/cgroup"
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for mount in [mounts, mounts / "unified"] if not controllers else [mounts / controllers, mounts / "cpu"]:
            if controllers and "cpu" not in controllers.split(","):
                continue
            group = mount / path.lstrip("/")
            while group.is_relative_to(mount):  # in a container the path may be the host's; the mount itself is there
                yield from _quota(group)
                group = group.parent


def _quota(group: Path) -> Iterator[float]:
    """The limit of one group, in cores: quota and period, in µs, are in one file or in two; "max" and -1 mean none."""
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota, period = ((group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        if quota != "max" and int(quota) > 0:
            yield int(quota) / int(period)
    except (OSError, ValueError):
        return
