"""How many cores this process may really use: its affinity and its control group's quota count, not the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from transcriber.cgroup import folders


def usable_cores(root: Path = Path("/")) -> int:
    """Whole cores, at least 1. `root` is where /proc and /sys are found."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        cores = os.cpu_count() or 1
    # Rounded down: a thread over the quota makes all of them wait for the next period.
    return max(1, int(min([float(cores), *(quota for group in folders("cpu", root) for quota in _quota(group))])))


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
