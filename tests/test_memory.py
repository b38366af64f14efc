"""Memory that may still be taken, from files as Linux has them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil

from transcriber.memory import free_bytes

MANY_LENGTHS = """
import sys
from pathlib import Path
import numpy as np
import psutil
from transcriber.decoding import Decoder
from transcriber.loading import open_model

decoder = Decoder(open_model(Path(sys.argv[1]), "tiny.en", "int8", 2).model)
resident = psutil.Process().memory_info
def grown(lengths):
    before = resident().rss
    for frames in lengths:
        decoder.encode([np.zeros(160 * frames, np.float32)], frames)
    return (resident().rss - before) / 2**20
grown(range(400, 300, -2))
print(grown(range(300, 100, -1)[::2]))
"""


def test_the_tightest_group_decides_and_cached_files_count_as_free(tmp_path: Path) -> None:
    group = tmp_path / "sys/fs/cgroup/box/inner"
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/box/inner\n")
    for folder, limit in ((group, "max"), (group.parent, "1000000")):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "memory.max").write_text(limit)
        (folder / "memory.current").write_text("700000\n")
        (folder / "memory.stat").write_text("anon 600000\ninactive_file 50000\n")
    assert free_bytes(tmp_path) == 350_000


def test_version_1_counts_too_and_a_group_over_its_limit_has_nothing(tmp_path: Path) -> None:
    group = tmp_path / "sys/fs/cgroup/memory/box"
    group.mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("5:cpu:/\n4:memory:/box\n")
    for name, value in (("limit_in_bytes", 100), ("usage_in_bytes", 200)):
        (group / f"memory.{name}").write_text(f"{value}\n")
    (group / "memory.stat").write_text("inactive_file 10\n")
    assert free_bytes(tmp_path) == 0


def test_without_groups_the_machine_decides(tmp_path: Path) -> None:
    assert 0 < free_bytes(tmp_path) <= psutil.virtual_memory().total


def test_voices_of_ever_new_lengths_leave_nothing_behind(tiny_weights: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ONEDNN_PRIMITIVE_CACHE_CAPACITY"}
    grown_mb = subprocess.check_output([sys.executable, "-c", MANY_LENGTHS, tiny_weights], env=environment, text=True)
    assert float(grown_mb) < 20
