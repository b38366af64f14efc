"""Every word a person reads, from texts.toml, in Russian and English. A leaf."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path

from transcriber.errors import TranscriberError

LANGUAGES = ("ru", "en")
_TABLE: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_name("texts.toml").read_text("utf-8"))


def login_command() -> str:
    """How a person signs in where this runs: as the container image says, or with the Python that is running."""
    python = Path(sys.executable)
    here = Path.cwd()
    shown = python.relative_to(here) if python.is_relative_to(here) else python
    return os.environ.get("LOGIN_COMMAND") or f"{shown} userbot.py login"


class Words:
    """The sentences of one language: `say("flood_wait", seconds=30)`.

    Values are only ever inserted, never used as a format, so a name from a chat cannot reach into the program.
    """

    def __init__(self, language: str = "ru") -> None:
        self.language = language

    def __call__(self, key: str, /, **values: object) -> str:
        """The sentence called `key` with `values` in it; KeyError for a sentence or value that does not exist."""
        return _TABLE[key][self.language].format_map({"login": login_command(), **values})

    def error(self, error: TranscriberError) -> str:
        """What to tell a person about `error`."""
        return self(error.key, **error.values)
