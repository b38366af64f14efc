"""Memory that may still be taken, from files as Linux has them."""

from __future__ import annotations

from pathlib import Path

import psutil

from transcriber.memory import free_bytes


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
