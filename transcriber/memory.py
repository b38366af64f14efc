"""How much memory there still is for us, in the machine and every control group around this process; what is kept."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from transcriber.cgroup import folders

# mallopt(3). What is freed is kept for the next piece up to this size, or it goes back to the system, which clears it
# for its next use. Large blocks are the encoder's attention: for 15 s 20 MB, for 30 s 72 MB (base). An 11 s note takes
# 0.93 s where they are kept and 1.04 s where they are not; two voices of 5 minutes 67 and 78 s of CPU time, at peaks of
# 321 and 269 MB over the model.
_M_ARENA_MAX, _M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -8, -3, -1
_MB = 2**20
_FAST, _SMALL = (64 * _MB, 512 * _MB), (4 * _MB, 1 * _MB)  # the largest block that is kept, all that is kept at the end

_VERSION_2, _VERSION_1 = ("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")


def free_bytes(root: Path = Path("/")) -> int:
    """Bytes that may still be taken. `root` is where /proc and /sys are found."""
    rooms = (room for group in folders("memory", root) for room in _room(group))
    return max(0, min([psutil.virtual_memory().available, *rooms]))


def _room(group: Path) -> Iterator[int]:
    """Limit less use of one group; what only caches files is given up when needed."""
    version2 = (group / "memory.max").exists()
    limit_name, used_name = _VERSION_2 if version2 else _VERSION_1
    try:
        limit = int((group / limit_name).read_text())  # "max" is none
        used = int((group / used_name).read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return
    yield limit - used + int(stat.get("inactive_file", 0))


def bound_caches() -> None:
    """Before the first model: one arena of the allocator for all threads, and few of oneDNN's compiled kernels.

    It keeps 1024, two for each length of window: a hundred lengths took 51 MB (tiny.en). 8 take 1, and no time.
    """
    _mallopt(_M_ARENA_MAX, 1)
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "8")


def keep_blocks(*, fast: bool) -> None:
    """Keep large blocks that are freed, or else stay small."""
    block_bytes, all_bytes = _FAST if fast else _SMALL
    _mallopt(_M_MMAP_THRESHOLD, block_bytes)
    _mallopt(_M_TRIM_THRESHOLD, all_bytes)


def give_memory_back() -> None:
    """To the system: glibc keeps what is freed (314 MB stayed 314 after an unload, 138 with this); 15 ms."""
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)


def _mallopt(parameter: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).mallopt(parameter, value)
