"""From a name to a folder: the disk first, then a hub: a small HTTP server here, asked by the real client."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlparse

import faster_whisper.utils
import huggingface_hub.constants
import pytest

from transcriber import models
from transcriber.errors import ModelUnavailable
from transcriber.models import file_bytes, obtain

COMMIT = "a" * 40
FILES = {
    "model.bin": bytes(range(256)) * 8_192,  # 2 MB
    "config.json": b"{}",
    "tokenizer.json": b'{"version": "1.0"}',
    "vocabulary.txt": b"a\nb\n",
    "preprocessor_config.json": b"{}",
    "README.md": b"not asked for",
}


class Hub(BaseHTTPRequestHandler):
    """As much of a model hub as its client needs to fetch one repository: someone/whisper."""

    protocol_version = "HTTP/1.1"
    files = FILES
    log: list[str]
    announced_sha256: str | None = None

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = urlparse(self.path).path
        self.log.append(f"{self.command} {path} {self.headers.get('Range', '')}".strip())
        name = path.rsplit("/", 1)[-1]
        if path == "/api/models/someone/whisper":
            listed = [self.described(file, data) for file, data in self.files.items()]
            self.send(200, json.dumps({"id": "someone/whisper", "sha": COMMIT, "siblings": listed}).encode())
        elif path.startswith("/someone/whisper/resolve/") and name in self.files:
            self.send_file(self.files[name])
        else:
            self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def described(self, file: str, data: bytes) -> dict[str, object]:
        large = {
            "sha256": self.announced_sha256 or hashlib.sha256(data).hexdigest(),
            "size": len(data),
            "pointerSize": 1,
        }
        return {"rfilename": file, "size": len(data), **({"lfs": large} if file == "model.bin" else {})}

    def send_file(self, data: bytes) -> None:
        labels = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": COMMIT}
        start = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
        if start:
            labels["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self.send(206 if start else 200, data[start:], labels)

    def send(self, code: int, body: bytes, labels: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for label, value in {"Content-Length": str(len(body)), **(labels or {})}.items():
            self.send_header(label, value)
        self.end_headers()
        if self.command == "GET":
            with contextlib.suppress(ConnectionError):  # the client may leave
                self.wfile.write(body)

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle()

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A hub that answers; gives the list of what it was asked."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("ThisHub", (Hub,), {"log": asked}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    point_at(monkeypatch, server.server_port)
    yield asked
    server.shutdown()
    server.server_close()
    thread.join()


def point_at(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """Sends the real client to a port of ours."""
    address = f"http://127.0.0.1:{port}"
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
        point_at(monkeypatch, hole.getsockname()[1])
        before = time.monotonic()
        assert refusal("base", tmp_path) == "model_hub_unreachable"
        assert time.monotonic() - before < 3
