"""Logging, seen from outside: a real process on real consoles."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PREAMBLE = """
import logging
from config.logs import setup_logging
setup_logging({level!r}, {style!r})
log = logging.getLogger("transcriber.test")
"""


def _run(code: str, *, level: str = "INFO", style: str = "text", **environment: str) -> bytes:
    """What a program with `code` in it prints; it must end well and say nothing on stderr."""
    code = PREAMBLE.format(level=level, style=style) + code
    done = subprocess.run(
        [sys.executable, "-c", f"exec({code!a})"],  # in LANG=C an argument is not read as UTF-8
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    return done.stdout


def test_a_line_has_time_level_and_message() -> None:
    line = _run("log.info('🚀 Запускаю %s', 'x')").decode()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d INFO  🚀 Запускаю x\n", line)


@pytest.mark.parametrize("style", ["text", "json"])
def test_one_event_is_one_line_whatever_is_in_it(style: str) -> None:
    code = "log.info('a\\nb\\r\\u2028\\x85\\x1b[31m\\u202e')\ntry: 1/0\nexcept Exception: log.exception('c\\nd')"
    lines = _run(code, style=style).decode().splitlines()
    assert len(lines) == 2
    assert "ZeroDivisionError" in lines[1]
    assert "\x1b" not in lines[0]
    assert "\u202e" not in lines[0]


def test_json_lines_are_complete() -> None:
    line = json.loads(_run("log.warning('да', extra={'chat_id': 5})", style="json"))
    assert (line["level"], line["logger"], line["message"], line["chat_id"]) == ("WARNING", "transcriber.test", "да", 5)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["time"])


@pytest.mark.parametrize(
    "console",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "cp1251"},
        {"PYTHONIOENCODING": "cp866:strict"},
    ],
)
def test_no_console_loses_a_line(console: dict[str, str]) -> None:
    out = _run("log.info('🚀 Запускаю')\nlog.info('\\ud800 second')\nprint('✅')", **console)
    assert len(out.splitlines()) == 3
    assert b"? second" in out


@pytest.mark.parametrize("redirect", ["| true", ">&-", ">&- 2>&-"])
def test_a_closed_standard_output_stops_nothing(redirect: str, tmp_path: Path) -> None:
    code = PREAMBLE.format(level="INFO", style="text") + "for _ in range(20000): log.info('x')\n"
    code += "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text('lived')"
    command = f'set -o pipefail; "$0" -c "$1" "$2" {redirect}'
    subprocess.run(["bash", "-c", command, sys.executable, code, tmp_path / "end"], cwd=ROOT, check=True)
    assert (tmp_path / "end").read_text() == "lived"


def test_libraries_speak_from_warning_on_even_when_debugging() -> None:
    """At INFO and DEBUG pyrogram prints updates, with names, numbers and texts in them."""
    code = """
for name in ("pyrogram.client", "docket.worker", "httpx", "faster_whisper"):
    for level in (logging.DEBUG, logging.INFO, logging.WARNING):
        logging.getLogger(name).log(level, "%s %s", name, level)
log.debug("mine")
"""
    lines = _run(code, level="DEBUG").decode().splitlines()
    assert [line[20:] for line in lines] == [
        "WARNING pyrogram.client 30",
        "WARNING docket.worker 30",
        "WARNING httpx 30",
        "WARNING faster_whisper 30",
        "DEBUG mine",
    ]


def test_a_library_s_traceback_becomes_its_error() -> None:
    code = (
        "try: 1/0\nexcept Exception: logging.getLogger('docket.worker').warning('Redis is %s', 'away', exc_info=True)"
    )
    assert _run(code).decode()[20:] == "WARNING Redis is away (ZeroDivisionError: division by zero)\n"


def test_warnings_of_python_are_lines_too() -> None:
    assert b"UserWarning: hm" in _run("import warnings; warnings.warn('hm')")
