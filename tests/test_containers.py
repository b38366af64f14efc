"""The images and docker-compose.yml, as far as reading them tells; `make drill` runs them."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from config.settings import Settings

ROOT = Path(__file__).parents[1]
COMPOSE = (ROOT / "docker-compose.yml").read_text("utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
LET_IN = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
PARTS = [
    path.relative_to(ROOT).as_posix()
    for folder in ("transcriber", "config")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
]


@pytest.mark.parametrize("part", ["userbot.py", "wiring.py", *PARTS])
def test_all_of_the_program_is_let_into_the_image(part: str) -> None:
    assert any(fnmatch(part, pattern) for pattern in LET_IN)


@pytest.mark.parametrize("secret", [".env", "data/voice_transcriber.session", ".git/config", "data/redis/x.aof"])
def test_nothing_private_is(secret: str) -> None:
    assert not any(fnmatch(secret, pattern) for pattern in LET_IN)


def test_a_container_gets_longer_to_stop_than_the_voice_in_hand_and_the_disconnecting_take() -> None:
    (grace_s,) = re.findall(r"stop_grace_period: (\d+)s", COMPOSE)
    assert int(grace_s) >= 2 * Settings.model_fields["shutdown_grace_s"].default


def test_the_group_that_may_reach_redis_is_the_program_s() -> None:
    (redis_group,) = re.findall(r"^USER redis:(\d+)$", DOCKERFILE, re.M)
    assert f"--gid {redis_group} transcriber" in DOCKERFILE


def test_both_health_checks_are_the_same() -> None:
    for name in ("interval", "timeout", "start_period", "retries"):
        (in_image,) = re.findall(rf"--{name.replace('_', '-')}=(\w+)", DOCKERFILE)
        assert in_image in re.findall(rf"{name}: (\w+)", COMPOSE)
