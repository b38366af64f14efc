"""A person at a terminal: asking without stopping the event loop, a QR code that a phone can read, and leaving."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import io
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import NoReturn

from qrcode.constants import ERROR_CORRECT_L
from qrcode.main import QRCode

_BLACK_ON_WHITE, _PLAIN = "\x1b[30;107m", "\x1b[0m"  # whatever colours the terminal has


async def ask(question: str, secret: bool = False) -> str:
    """What the person answers; a secret is not shown. Raises EOFError when there is nobody to ask.

    The thread is one that nobody waits for: it stands in a read that Ctrl-C cannot end.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()

    def settle(outcome: Callable[[], None]) -> None:
        if not answer.done():
            outcome()

    def read() -> None:
        try:
            outcome = partial(answer.set_result, _read(question, secret))
        except Exception as error:
            outcome = partial(answer.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is interested any more
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=read, daemon=True).start()
    return await answer


def _read(question: str, secret: bool) -> str:
    if sys.stdin is None:
        raise EOFError
    try:
        return getpass.getpass(question) if secret and sys.stdin.isatty() else input(question)
    except UnicodeDecodeError:  # half a letter is left when a terminal erases bytes: no answer can be that
        return ""


@contextlib.contextmanager
def echo_kept() -> Iterator[None]:
    """Leave the terminal as it was: a password prompt that was cut short has switched its echo off."""
    try:
        import termios

        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
        before = termios.tcgetattr(terminal)
    except (ImportError, OSError):  # no terminal, nothing to keep
        yield
        return
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
        os.close(terminal)


def qr_drawing(text: str) -> str:
    """A QR code in block characters, two rows of modules to a line, small enough for 80 columns and 24 lines."""
    code = QRCode(border=2, error_correction=ERROR_CORRECT_L)
    code.add_data(text)
    rows = code.get_matrix()
    rows = rows if len(rows) % 2 == 0 else [*rows, [False] * len(rows[0])]
    glyph = {(False, False): " ", (False, True): "▄", (True, False): "▀", (True, True): "█"}
    pairs = zip(rows[::2], rows[1::2], strict=True)
    lines = ("".join(glyph[top, bottom] for top, bottom in zip(*pair, strict=True)) for pair in pairs)
    return "\n".join(f"{_BLACK_ON_WHITE}{line}{_PLAIN}" for line in lines)


def never_fail_to_print() -> None:
    """Let a console that lacks a character show "?", and a closed one nothing, instead of ending the program."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed: the next file, say the session, would get its number, and then what is printed
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 - libraries ask what it is
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115 - the same
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def leave(code: int) -> NoReturn:
    """Exit without waiting for threads."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # none, broken or closed
            stream.flush()
    os._exit(code)
