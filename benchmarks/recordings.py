"""The voices that are measured, each with what is said in it and where it comes from (manifest.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FOLDERS = (ROOT / "tests" / "voices", ROOT / "benchmarks" / "voices")


def recordings(only: str = "", languages: tuple[str, ...] = ("ru", "en")) -> list[dict[str, Any]]:
    """Those with speech in `languages` and `only` in their name, the shortest first; `path` is where each is."""
    found = [
        {**entry, "path": folder / entry["file"]}
        for folder in FOLDERS
        for entry in json.loads((folder / "manifest.json").read_text("utf-8"))
        if entry["lang"] in languages and only in entry["file"]
    ]
    return sorted(found, key=lambda voice: float(voice["seconds"]))
