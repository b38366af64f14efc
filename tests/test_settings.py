"""Settings: what may be written, what is said about mistakes, and that the documents tell the same story."""

from __future__ import annotations

import os
import re
from pathlib import Path

import ctranslate2
import pytest

from config.cpu import usable_cores
from config.settings import COMPUTE_TYPES, Settings, SettingsError, exposed, load_settings, typos, variable_name

ROOT = Path(__file__).parents[1]
NAMES = {variable_name(field) for field in Settings.model_fields}
HASH = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper() in NAMES:
            monkeypatch.delenv(name)


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """A .env with an account in English, to which a test adds."""
    file = tmp_path / ".env"
    file.write_text(f"API_ID=1\nAPI_HASH={HASH}\nLANGUAGE=en\n")
    return file


def _add(file: Path, *lines: str) -> Path:
    file.write_text(file.read_text() + "\n".join(lines) + "\n", "utf-8")
    return file


def _mistakes(file: Path) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    return caught.value.sentences


def test_defaults_are_enough_but_for_the_account(env_file: Path) -> None:
    settings = load_settings(env_file)
    assert (settings.api_id, settings.api_hash.get_secret_value()) == (1, HASH)
    assert settings.session_file == Path("data/voice_transcriber.session")
    assert settings.reconnect_pauses_s == (5, 10, 20, 40, 80, 160, 300)


def test_every_mistake_is_reported_at_once(env_file: Path) -> None:
    sentences = _mistakes(_add(env_file, "API_ID=", "CPU_THREADS=0", "PING_INTERVAL=soon", "LOG_FORMAT=xml"))
    assert [sentence.split(":")[0].split()[0] for sentence in sentences] == [
        *("API_ID", "CPU_THREADS", "LOG_FORMAT", "PING_INTERVAL")
    ]


def test_without_telegram_no_account_is_needed(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "no.env", needs_telegram=False).api_id == 0


@pytest.mark.parametrize("line", [f"API_ID={HASH}", f"API_HASH={HASH}0", "REDIS_URL=http://:hunter2@host"])
def test_no_secret_is_ever_in_a_message(env_file: Path, line: str) -> None:
    """API_ID counts too: people swap it with API_HASH."""
    text = " ".join(_mistakes(_add(env_file, line)))
    assert HASH not in text
    assert "hunter2" not in text


def test_secrets_are_masked_when_settings_are_printed(env_file: Path) -> None:
    settings = load_settings(_add(env_file, "REDIS_URL=redis://:hunter2@host"))
    assert HASH not in repr(settings)
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("CATCH_UP_MAX_AGE=0", "catch_up_max_age_s", 0),
        ("CATCH_UP_MAX_AGE=12h", "catch_up_max_age_s", 43200),
        ("PING_INTERVAL=0.5", "ping_interval_s", 0.5),
        ("RECONNECT_PAUSES=0.1, 1", "reconnect_pauses_s", (0.1, 1)),
        ("MAX_FILE_SIZE=500mb", "max_file_size_bytes", 500_000_000),
        ("TRACKED_USERS=12, @durov durov;7", "tracked_users", (12, "@durov", 7)),
        ("LOG_LEVEL=debug", "log_level", "DEBUG"),
        ("COMPUTE_TYPE=Int8_Float32", "compute_type", "int8_float32"),
        ("CPU_THREADS=", "cpu_threads", usable_cores()),
        ("SESSION_NAME=a.b-c_1", "session_name", "a.b-c_1"),
        ("HOTWORDS=Кирилл,  Kubernetes ,Кирилл,", "hotwords", "Кирилл, Kubernetes"),
    ],
)
def test_values_are_read(env_file: Path, line: str, field: str, value: object) -> None:
    assert getattr(load_settings(_add(env_file, line)), field) == value


@pytest.mark.parametrize(
    "url", ["redis://localhost", "rediss://u:p%40@[::1]:6380/2", "unix:///run/redis.sock", "unix:///a?db=1"]
)
def test_addresses_of_a_redis_are_taken(env_file: Path, url: str) -> None:
    assert load_settings(_add(env_file, f"REDIS_URL={url}")).redis_url.get_secret_value() == url


@pytest.mark.parametrize(
    "line",
    [
        *("SESSION_NAME=../x", "SESSION_NAME=a/b", "SESSION_NAME=..", "API_ID=0", "API_ID=-1", "CPU_THREADS=2.5"),
        *("REDIS_URL=localhost", "REDIS_URL=redis://", "REDIS_URL=redis://h:x", "REDIS_URL=redis://h/name"),
        *("REDIS_URL=unix://", "TRACKED_USERS=+79990000000", "TRACKED_USERS=-5", "TRACKED_USERS=ab", "CPU_THREADS=٣"),
        *("MAX_FILE_SIZE=2XB", "RECONNECT_PAUSES=5,,10", "PING_TIMEOUT=0", "PING_TIMEOUT=nan", "COMPUTE_TYPE=int4"),
        f"HOTWORDS={'Пушкин, ' * 3}{'я' * 200}",
    ],
)
def test_nonsense_is_refused_by_name(env_file: Path, line: str) -> None:
    [sentence] = _mistakes(_add(env_file, line))
    assert sentence.startswith(line.split("=")[0])


def test_complaints_come_in_the_chosen_language_and_else_in_russian(env_file: Path) -> None:
    assert "needs" in _mistakes(_add(env_file, "CPU_THREADS=x"))[0]
    assert "нужно" in " ".join(_mistakes(_add(env_file, "LANGUAGE=xx")))


def test_the_environment_goes_before_the_file(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_NAME", "other")
    monkeypatch.setenv("LANGUAGE", "ru")
    settings = load_settings(env_file)
    assert (settings.session_name, settings.language) == ("other", "ru")


def test_a_value_can_stand_in_a_file_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"api_hash": HASH, "redis_url": "unix://:pa%20ss@/run/redis.sock"}.items():
        (tmp_path / name).write_text(f"{value}\n")
        monkeypatch.setenv(f"{name.upper()}_FILE", str(tmp_path / name))
    monkeypatch.setenv("API_ID", "7")
    settings = load_settings(tmp_path / "none")
    assert settings.api_hash.get_secret_value() == HASH
    assert settings.redis_url.get_secret_value() == "unix://:pa%20ss@/run/redis.sock"
    monkeypatch.setenv("REDIS_URL", "redis://mine")
    assert load_settings(tmp_path / "none").redis_url.get_secret_value() == "redis://mine"


def test_a_file_for_a_value_that_cannot_be_read_is_one_sentence(
    env_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGUAGE", "en")
    monkeypatch.setenv("REDIS_URL_FILE", str(tmp_path / "none"))
    [sentence] = _mistakes(env_file)
    assert sentence.startswith(f"The file {tmp_path / 'none'} cannot be read")


def test_a_file_with_secrets_that_others_can_read_is_pointed_out_with_what_mends_it(env_file: Path) -> None:
    env_file.chmod(0o600)
    assert not exposed(env_file)
    for mode in (0o640, 0o604):
        env_file.chmod(mode)
        [sentence] = exposed(env_file)
        assert f"chmod 600 {env_file}" in sentence
    assert not exposed(env_file.with_name("none"))


def test_a_desktop_s_list_of_locales_is_not_our_language(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "ru_RU:ru")
    assert load_settings(env_file).language == "en"


def test_a_typo_in_the_file_is_pointed_out(env_file: Path) -> None:
    _add(env_file, "API_HASHH=1", "TRACKED_USER=1", "PATH_TO_NOTHING=1")
    assert typos(env_file) == [
        "API_HASHH in .env is not a setting; did you mean API_HASH?",
        "TRACKED_USER in .env is not a setting; did you mean TRACKED_USERS?",
    ]


def test_a_file_that_is_not_text_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"API_ID=\xff\xfe")
    [sentence] = _mistakes(file)
    assert str(file) in sentence


def test_a_byte_order_mark_is_no_part_of_the_first_name(env_file: Path) -> None:
    env_file.write_text(env_file.read_text(), "utf-8-sig")
    assert load_settings(env_file).api_id == 1


def test_the_example_names_every_setting_with_its_default(tmp_path: Path) -> None:
    lines = re.findall(r"^(?:# )?([A-Z_]+=.*)$", (ROOT / ".env.example").read_text("utf-8"), re.M)
    assert {line.split("=")[0] for line in lines} == NAMES
    example = tmp_path / ".env"
    example.write_text("\n".join(lines))
    assert load_settings(example, needs_telegram=False) == Settings()


def test_the_documentation_names_every_setting_with_its_default(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)?", text, re.M)
    assert sorted(name for name, _ in rows) == sorted(NAMES)
    documented = tmp_path / ".env"
    documented.write_text("\n".join(f"{name}={value}" for name, value in rows))
    assert load_settings(documented, needs_telegram=False) == Settings()


def test_every_setting_says_what_it_is_for() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_the_compute_types_are_the_ones_that_ctranslate2_knows() -> None:
    assert set(ctranslate2.get_supported_compute_types("cpu")) <= set(COMPUTE_TYPES)


def _groups(root: Path, cgroup: str, files: dict[str, str]) -> Path:
    for name, text in {"proc/self/cgroup": cgroup, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("cgroup", "files"),
    [
        ("0::/\n", {"sys/fs/cgroup/cpu.max": "150000 100000\n"}),
        ("0::/host/path\n", {"sys/fs/cgroup/cpu.max": "100000 100000\n"}),
        ("0::/a/b\n", {"sys/fs/cgroup/a/cpu.max": "100000 100000\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000\n"}),
        (
            "4:cpu,cpuacct:/docker/x\n",
            {
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
        ),
    ],
)
def test_a_container_s_limit_is_respected(tmp_path: Path, cgroup: str, files: dict[str, str]) -> None:
    """Version 2 at the root, with the host's path, in a parent; version 1. Rounded down, but never to 0."""
    assert usable_cores(_groups(tmp_path, cgroup, files)) == 1


@pytest.mark.parametrize("limit", ["max 100000", "-1 100000", "rubbish", ""])
def test_without_a_limit_the_affinity_decides(tmp_path: Path, limit: str) -> None:
    root = _groups(tmp_path, "0::/\n", {"sys/fs/cgroup/cpu.max": limit})
    assert usable_cores(root) == len(os.sched_getaffinity(0))
