"""The control groups around this process, whose limits count more than what the machine has (versions 2 and 1)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def folders(controller: str, root: Path = Path("/")) -> Iterator[Path]:
    """Where limits of `controller` ("cpu", "memory") may be written, from the innermost group to the mount.

    `root` is where /proc and /sys are found.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    mounts = root / "sys/fs/cgroup"
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        for mount in [mounts / controllers, mounts / controller] if controllers else [mounts, mounts / "unified"]:
            group = mount / path.lstrip("/")
            while group.is_relative_to(mount):  # in a container the path may be the host's; the mount itself is there
                yield group
                group = group.parent
