"""From a name to a folder: the disk first, then a hub: a small HTTP server here, asked by the real client."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import faster_whisper.utils
import huggingface_hub.constants
import pytest

from tests.hub import FILES, Hub, serving
from transcriber import models
from transcriber.errors import ModelUnavailable
from transcriber.models import file_bytes, obtain


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A hub that answers; gives the list of what it was asked."""
    with serving(Hub) as (address, asked):
        point_at(monkeypatch, address)
        yield asked


def point_at(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Sends the real client to a server of ours."""
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
    monkeypatch.setattr(
        huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
    )


def refusal(name: str, folder: Path, *, trusted: bool = False) -> str:
    """Why `name` cannot be had."""
    with pytest.raises(ModelUnavailable) as unavailable:
        obtain(name, folder, trusted=trusted)
    return unavailable.value.key


def make_model(folder: Path, without: str = "") -> Path:
    """A folder that looks like a model."""
    folder.mkdir(parents=True)
    for name, data in FILES.items():
        if name != without:
            (folder / name).write_bytes(data[:100])
    return folder


def test_our_table_of_sizes_is_the_library_s() -> None:
    assert faster_whisper.utils._MODELS == models.HUB_IDS


def test_a_model_on_disk_is_taken_without_asking_the_hub(hub: list[str], tmp_path: Path) -> None:
    for name, folder in {"base": "base", "someone/whisper": "someone--whisper", "mine": "mine"}.items():
        assert not file_bytes(name, tmp_path)
        made = make_model(tmp_path / folder)
        assert file_bytes(name, tmp_path)
        assert obtain(name, tmp_path) == made
    assert hub == []


def test_a_download_is_whole_reports_its_progress_and_takes_only_what_is_needed(hub: list[str], tmp_path: Path) -> None:
    fractions: list[float] = []
    folder = obtain("someone/whisper", tmp_path, on_progress=fractions.append)
    assert sorted(path.name for path in folder.iterdir()) == sorted(set(FILES) - {"README.md"})
    assert all((folder / name).read_bytes() == FILES[name] for name in set(FILES) - {"README.md"})
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert list((tmp_path / models.PARTIAL).iterdir()) == []
    asked = len(hub)
    assert obtain("someone/whisper", tmp_path) == folder
    assert len(hub) == asked


def test_a_download_that_was_broken_off_goes_on_where_it_was_and_is_no_model_before(
    hub: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 100_000)

    def leave(fraction: float) -> None:
        if fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        obtain("someone/whisper", tmp_path, on_progress=leave)
    assert not file_bytes("someone/whisper", tmp_path)
    folder = obtain("someone/whisper", tmp_path)
    assert (folder / "model.bin").read_bytes() == FILES["model.bin"]
    assert any("bytes=" in line for line in hub), "the second download did not resume"


def test_a_file_that_is_not_what_the_hub_announced_is_thrown_away(
    hub: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Hub, "announced_sha256", "0" * 64)
    assert refusal("someone/whisper", tmp_path) == "model_hub_unreachable"
    assert not file_bytes("someone/whisper", tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "..",
        "a/../b",
        "/etc",
        "~/x",
        "a/b/c",
        "a\\b",
        "",
        ".hidden",
        "owner/",
        "name\n",
        "a b",
        "x" * 200,
        "-x",
        "~no-such-user",
    ],
)
def test_a_name_from_a_chat_leads_nowhere_else(name: str, hub: list[str], tmp_path: Path) -> None:
    make_model(tmp_path / "secret")
    (tmp_path / "models").mkdir()
    assert refusal(name, tmp_path / "models") == "model_name_invalid"
    assert hub == []


def test_any_folder_is_good_when_the_settings_name_it_and_only_then(tmp_path: Path) -> None:
    elsewhere = make_model(tmp_path / "elsewhere")
    assert obtain(str(elsewhere), tmp_path / "models", trusted=True) == elsewhere
    assert refusal(str(elsewhere), tmp_path / "models") == "model_name_invalid"


@pytest.mark.parametrize("lacking", ["model.bin", "config.json", "tokenizer.json", "vocabulary.txt"])
def test_an_incomplete_folder_is_named_with_what_it_lacks(lacking: str, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "half", without=lacking)
    with pytest.raises(ModelUnavailable) as unavailable:
        obtain(str(folder), tmp_path, trusted=True)
    assert unavailable.value.values["missing"] == lacking
    assert not file_bytes("half", tmp_path)


def test_a_name_nobody_knows_is_unknown(hub: list[str], tmp_path: Path) -> None:
    assert refusal("no-such-size", tmp_path) == "model_unknown"
    assert refusal("nobody/nothing", tmp_path) == "model_unknown"
    assert len(hub) == 1  # the second only; a plain word that is no size is nobody's


def test_a_repository_without_whisper_weights_is_refused(
    hub: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Hub, "files", {"README.md": b"a poem"})
    assert refusal("someone/whisper", tmp_path) == "model_foreign"


def test_a_full_disk_is_said_before_the_download(
    hub: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1_000_000}))
    assert refusal("someone/whisper", tmp_path) == "model_no_space"


@pytest.mark.parametrize("listening", [False, True], ids=["nobody there", "accepts and never answers"])
def test_a_dead_hub_is_given_up_soon(listening: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "HUB_TIMEOUT_S", 0.5)
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        if listening:
            hole.listen()
        point_at(monkeypatch, f"http://127.0.0.1:{hole.getsockname()[1]}")
        before = time.monotonic()
        assert refusal("base", tmp_path) == "model_hub_unreachable"
        assert time.monotonic() - before < 3


def test_the_image_s_own_model_is_found_by_its_name_and_one_of_the_owner_goes_first(
    hub: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    baked = make_model(tmp_path / "image" / "base")
    shelf = tmp_path / "models"
    shelf.mkdir()
    monkeypatch.setattr(models, "BAKED", baked.parent)
    for folder in (baked.parent, baked):
        folder.chmod(0o555)
    assert obtain("base", shelf) == baked
    assert file_bytes("base", shelf) == 100
    own = make_model(shelf / "base")
    assert obtain("base", shelf) == own
    assert refusal("../image/base", shelf) == "model_name_invalid"
    assert hub == []


def test_a_model_that_is_not_admitted_is_not_downloaded(hub: list[str], tmp_path: Path) -> None:
    sizes: list[int] = []

    def admit(size_bytes: int) -> None:
        sizes.append(size_bytes)
        raise ModelUnavailable("model_too_large", model="x", needed_mb=2, free_mb=1)

    with pytest.raises(ModelUnavailable, match="model_too_large"):
        obtain("someone/whisper", tmp_path, admit=admit)
    assert sizes == [len(FILES["model.bin"])]
    assert len(hub) == 1, "only asked what there is"


def test_the_image_s_build_fetches_a_model_to_where_it_is_looked_for(tmp_path: Path) -> None:
    """The very line of the Dockerfile, with a hub of ours and another folder."""
    root = Path(__file__).parents[1]
    lines = (root / "Dockerfile").read_text("utf-8")
    (program,) = re.findall(r'"(import sys, pathlib; from transcriber\.models [^"]+)"', lines)
    assert f"'{models.BAKED}'" in program
    program = program.replace(str(models.BAKED), str(tmp_path))
    with serving(Hub) as (address, _):
        command = [sys.executable, "-c", program, "someone/whisper"]
        subprocess.run(command, cwd=root, env={**os.environ, "HF_ENDPOINT": address}, check=True)
    assert obtain("someone/whisper", tmp_path) == tmp_path / "someone--whisper"
