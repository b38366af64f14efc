"""Whisper weights on disk: a name becomes a folder, from the disk first, else from the hub. No other module asks it."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from transcriber.errors import ModelUnavailable

log = logging.getLogger(__name__)

# Read when huggingface_hub is imported, which happens below, at the first download.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_UPDATE_CHECK", "1")
os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # plain HTTP: counted bytes, short timeouts, resumable

# The names people say and where their weights are: faster_whisper.utils._MODELS (a test keeps them equal),
# written down here because importing faster_whisper costs 0.3 s and 45 MB.
HUB_IDS = {
    "tiny.en": "Systran/faster-whisper-tiny.en",
    "tiny": "Systran/faster-whisper-tiny",
    "base.en": "Systran/faster-whisper-base.en",
    "base": "Systran/faster-whisper-base",
    "small.en": "Systran/faster-whisper-small.en",
    "small": "Systran/faster-whisper-small",
    "medium.en": "Systran/faster-whisper-medium.en",
    "medium": "Systran/faster-whisper-medium",
    "large-v1": "Systran/faster-whisper-large-v1",
    "large-v2": "Systran/faster-whisper-large-v2",
    "large-v3": "Systran/faster-whisper-large-v3",
    "large": "Systran/faster-whisper-large-v3",
    "distil-large-v2": "Systran/faster-distil-whisper-large-v2",
    "distil-medium.en": "Systran/faster-distil-whisper-medium.en",
    "distil-small.en": "Systran/faster-distil-whisper-small.en",
    "distil-large-v3": "Systran/faster-distil-whisper-large-v3",
    "distil-large-v3.5": "distil-whisper/distil-large-v3.5-ct2",
    "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
}
VOCABULARIES = ("vocabulary.txt", "vocabulary.json")
NEEDED = ("model.bin", "config.json", "tokenizer.json")
WANTED = {*NEEDED, *VOCABULARIES, "preprocessor_config.json"}
PARTIAL = ".partial"  # downloads in work; a finished one is moved out as a whole

HUB_TIMEOUT_S = 10.0
_WORD = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
_NAME = re.compile(rf"{_WORD}(?:/{_WORD})?")

Progress = Callable[[float], None]
Admit = Callable[[int], None]


# Models that came with the image (Dockerfile, MODEL): nobody writes there.
BAKED = Path("/models")


def file_bytes(name: str, models_dir: Path, *, trusted: bool = False) -> int:
    """The size of model.bin when `name` can be loaded without the network, else 0.

    Raises ModelUnavailable for what cannot be a name.
    """
    folder = _found(name, models_dir, trusted)
    return 0 if _missing(folder) else (folder / "model.bin").stat().st_size


def obtain(
    name: str,
    models_dir: Path,
    *,
    trusted: bool = False,
    on_progress: Progress | None = None,
    admit: Admit = lambda size_bytes: None,
) -> Path:
    """The folder with the weights of `name`, downloaded when they are not on disk; it blocks, so call it in a thread.

    `name` is a size (small), a hub id (owner/name) or a folder's name below `models_dir` or BAKED; `trusted`, for
    names from the settings and never from a chat, also allows any folder. `on_progress` is given the fraction 0 … 1
    of a download; what it raises ends the download, and the next one goes on from there. `admit` is given the bytes
    of model.bin, before a download; what it raises refuses the model.
    Raises ModelUnavailable: unknown or impossible name, incomplete folder, no hub within HUB_TIMEOUT_S, disk full.
    """
    folder = _found(name, models_dir, trusted)
    missing = _missing(folder)
    if not missing:
        admit((folder / "model.bin").stat().st_size)
        return folder
    if folder.exists():
        raise ModelUnavailable("model_incomplete", model=name, missing=missing)
    hub_id = HUB_IDS.get(name, name)
    if "/" not in hub_id or folder.parent != models_dir:
        raise ModelUnavailable("model_unknown", model=name)
    _download(hub_id, folder, name, on_progress or (lambda fraction: None), admit)
    return folder


def _found(name: str, models_dir: Path, trusted: bool) -> Path:
    """Where `name` is, or belongs; the image's own model counts as long as there is no other of that name."""
    folder = _folder(name, models_dir, trusted)
    baked = BAKED / folder.name
    return baked if folder.parent == models_dir and not folder.exists() and baked.is_dir() else folder


def _folder(name: str, models_dir: Path, trusted: bool) -> Path:
    if trusted and name not in HUB_IDS:
        path = Path(name).expanduser()
        if path.is_dir() or path.is_absolute():
            return path
    if not _NAME.fullmatch(name) or ".." in name:
        raise ModelUnavailable("model_name_invalid", model=name)
    return models_dir / name.replace("/", "--")


def _missing(folder: Path) -> str:
    """The first file that is lacking, or an empty string."""
    for file in NEEDED:
        path = folder / file
        if not path.is_file() or not path.stat().st_size:
            return file
    return "" if any((folder / file).is_file() for file in VOCABULARIES) else VOCABULARIES[0]


def _download(hub_id: str, folder: Path, name: str, on_progress: Progress, admit: Admit) -> None:
    """Fetches below PARTIAL and moves the folder when it is whole: half a download is never taken for a model."""
    from huggingface_hub.errors import HTTPError, RepositoryNotFoundError  # type: ignore[attr-defined]

    partial = folder.parent / PARTIAL / folder.name
    try:
        _fetch(hub_id, partial, name, on_progress, admit).rename(folder)
        shutil.rmtree(partial, ignore_errors=True)  # parts of older revisions
    except RepositoryNotFoundError as error:
        raise ModelUnavailable("model_unknown", model=name) from error
    except (HTTPError, ConnectionError) as error:
        raise ModelUnavailable("model_hub_unreachable", model=name) from error
    except OSError as error:
        if error.errno is None:  # the client's word for a body that is not as long as announced
            raise ModelUnavailable("model_hub_unreachable", model=name) from error
        raise ModelUnavailable("model_not_kept", model=name, reason=error.strerror or error) from error


def _fetch(hub_id: str, partial: Path, name: str, on_progress: Progress, admit: Admit) -> Path:
    """The folder below `partial` that holds the current revision."""
    from huggingface_hub import HfApi, constants, hf_hub_url

    # The first question is asked once and with a short timeout, so that a dead hub is known soon.
    info = HfApi(endpoint=constants.ENDPOINT).model_info(hub_id, timeout=HUB_TIMEOUT_S, files_metadata=True)
    files = [file for file in info.siblings or () if file.rfilename in WANTED]
    missing = {*NEEDED} - {file.rfilename for file in files}
    if missing or not info.sha or not info.sha.isalnum():
        raise ModelUnavailable("model_foreign", model=name)
    admit(next(file.size or 0 for file in files if file.rfilename == "model.bin"))
    draft = partial / info.sha  # parts of two revisions never meet
    draft.mkdir(parents=True, exist_ok=True)
    total_bytes = sum(file.size or 0 for file in files)
    _check_space(draft, total_bytes, name)
    log.info("downloading %s (%d MB) from %s", name, total_bytes >> 20, constants.ENDPOINT)
    meter = _Meter(total_bytes, on_progress)
    for file in sorted(files, key=lambda file: file.size or 0):
        url = hf_hub_url(hub_id, file.rfilename, revision=info.sha, endpoint=constants.ENDPOINT)
        _fetch_file(url, draft / file.rfilename, file.size or 0, file.lfs.sha256 if file.lfs else "", meter)
    return draft


def _fetch_file(url: str, path: Path, size_bytes: int, sha256: str, meter: _Meter) -> None:
    """Goes on with a part that is there, which huggingface_hub 2.4 itself no longer does (its pull request 4228)."""
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils._headers import build_hf_headers

    if not path.is_file():
        part = path.with_name(path.name + ".part")
        headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
        with part.open("ab") as file:
            bar = cast(Any, meter.bar)
            here_bytes = file.tell()
            http_get(url, file, resume_size=here_bytes, headers=headers, expected_size=size_bytes, tqdm_class=bar)
        with part.open("rb") as file:
            if sha256 and hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                part.unlink()
                raise ConnectionError("the hub sent something else than it announced")
        part.rename(path)
    meter.file_done(size_bytes)


def _check_space(draft: Path, needed_bytes: int, name: str) -> None:
    here_bytes = sum(file.stat().st_size for file in draft.iterdir())
    free_bytes = shutil.disk_usage(draft).free
    if needed_bytes - here_bytes > free_bytes:
        raise ModelUnavailable("model_no_space", model=name, needed_mb=needed_bytes >> 20, free_mb=free_bytes >> 20)


class _Meter:
    """Adds up the bytes of all files and tells the fraction; `bar` stands in for the downloader's progress bar."""

    def __init__(self, total_bytes: int, on_progress: Progress) -> None:
        self._total_bytes = max(1, total_bytes)
        self._on_progress = on_progress
        self._finished_bytes = 0
        self._current_bytes = 0

    def bar(self, *_: object, initial: int = 0, **__: object) -> _Meter:
        self._current_bytes = 0
        self.update(initial)
        return self

    def update(self, count: int = 1) -> None:
        self._current_bytes += count
        self._tell(self._finished_bytes + self._current_bytes)

    def file_done(self, size_bytes: int) -> None:
        self._finished_bytes += size_bytes
        self._current_bytes = 0
        self._tell(self._finished_bytes)

    def _tell(self, done_bytes: int) -> None:
        self._on_progress(min(1.0, done_bytes / self._total_bytes))

    def __enter__(self) -> _Meter:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def close(self) -> None:
        pass
