"""How much memory there still is for us: the machine's and that of every control group around this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil


def free_bytes(root: Path = Path("/")) -> int:
    """Bytes that may still be taken. `root` is where /proc and /sys are found."""
    return max(0, min([psutil.virtual_memory().available, *_group_rooms(root)]))


def _group_rooms(root: Path) -> Iterator[int]:
    """Limit less use of each group (version 2 and version 1); what only caches files is given up when needed."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    mounts = root / "sys/fs/cgroup"
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        mount, names = (
            (mounts / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes"))
            if controllers
            else (mounts, ("memory.max", "memory.current"))
        )
        group = mount / path.lstrip("/")
        while group.is_relative_to(mount):  # in a container the path may be the host's; the mount itself is there
            yield from _room(group, *names)
            group = group.parent


def _room(group: Path, limit_name: str, used_name: str) -> Iterator[int]:
    try:
        limit = int((group / limit_name).read_text())  # "max" is none
        used = int((group / used_name).read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return
    yield limit - used + int(stat.get("inactive_file", 0))
