"""Logging: one event per line, on standard output, on any console. Nothing secret is written, so none is filtered."""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO

from pythonjsonlogger.json import JsonFormatter

# Only these speak below WARNING: at INFO and DEBUG pyrogram prints whole updates and faster-whisper what was said.
OURS = ("transcriber", "config", "userbot", "sandbox", "demo")
# What these report, the program says itself, once and in words.
_SAID_BY_US = {
    "pyrogram.connection": logging.CRITICAL,  # each failed attempt to connect, several lines for each
    "docket.dependencies._retry": logging.CRITICAL,  # each retry, as an error
    "huggingface_hub": logging.ERROR,
}
# Line ends, terminal escapes and marks that turn the writing must not leave a message: they would forge lines.
_MARKS = [*range(0x2028, 0x202F), *range(0x2066, 0x206A)]
_ESCAPES = (
    {c: f"\\x{c:02x}" for c in [*range(32), *range(0x7F, 0xA0)]}
    | {c: f"\\u{c:04x}" for c in _MARKS}
    | {10: "\\n", 13: "\\r", 9: " "}
)
_ESCAPES_JSON = {c: f"\\u{c:04x}" for c in [*range(0x7F, 0xA0), *_MARKS]}  # JSON itself leaves these as they are


class _OneLine(logging.Formatter):
    """`2026-11-21 12:00:00 INFO  message`; a traceback follows on the same line, its line ends written as \\n."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).translate(_ESCAPES)


class _Json(JsonFormatter):
    """One object per line: time (UTC), level, logger, message, and whatever the event carries."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).translate(_ESCAPES_JSON)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class _Console(logging.StreamHandler[TextIO]):
    """Standard output that may be closed at any time: the program goes on without it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        if isinstance(sys.exc_info()[1], BrokenPipeError):
            # The reader has gone; what is still buffered would fail again when the interpreter exits.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)
        elif not isinstance(sys.exc_info()[1], (OSError, ValueError)):  # ValueError: the stream object is closed
            super().handleError(record)


def _without_foreign_traceback(record: logging.LogRecord) -> bool:
    """A library's traceback says nothing to an operator: the error's own words, on the line it belongs to."""
    if record.exc_info and record.exc_info[1] and record.name.partition(".")[0] not in OURS:
        error = record.exc_info[1]
        record.msg, record.args = f"{record.getMessage()} ({type(error).__name__}: {error})", None
        record.exc_info = record.exc_text = None
    return True


def setup_logging(level: str = "INFO", style: Literal["text", "json"] = "text", stream: TextIO | None = None) -> None:
    """Send every log line to `stream`, by default standard output; calling it again replaces the earlier set-up."""
    stream = stream or sys.stdout
    if stream is None or not hasattr(stream, "write"):  # pythonw and some services have no standard output
        stream = open(os.devnull, "w")  # noqa: SIM115, PTH123 - open as long as the process
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")  # a console that lacks a character shows "?" instead of failing
    handler = _Console(stream)
    handler.addFilter(_without_foreign_traceback)
    if style == "json":
        names = {"asctime": "time", "levelname": "level", "name": "logger"}
        layout = "%(asctime)s %(levelname)s %(name)s %(message)s"
        handler.setFormatter(_Json(layout, rename_fields=names, json_ensure_ascii=False))
    else:
        handler.setFormatter(_OneLine("%(asctime)s %(levelname)-5s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logging.basicConfig(level=max(logging.WARNING, logging.getLevelName(level)), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    for name, least in _SAID_BY_US.items():
        logging.getLogger(name).setLevel(least)
