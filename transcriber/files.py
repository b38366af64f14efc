"""The `transcribe` subcommand: the same engine on files, without Telegram and Redis. Prints, or fills a folder."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from transcriber.captions import Format, as_json, srt, vtt
from transcriber.errors import ModelUnavailable, Rejected
from transcriber.progress import loading_progress
from transcriber.texts import Words
from transcriber.voice import Transcript
from transcriber.whisper import Whisper, languages

__all__ = ["Format", "transcribe_files"]

BAR_AFTER_S = 2.0  # nobody needs a bar for a short note


async def transcribe_files(
    files: list[Path],
    *,
    engine: Whisper,
    model: str,
    language: str | None,
    format: Format,
    output: Path | None,
    say: Words,
) -> int:
    """The exit code: 0, or 1 after any error (each is one line on stderr); good files are done all the same.

    `model` may be any folder, since it comes from the person at the keyboard. Without `output` results are printed,
    JSON as one list; with it each file has its own there, named by its stem.
    """
    results = Results(format, output)
    if language is not None and language not in languages():
        return _fail(say("language_unknown", language=language))
    if output is None and len(files) > 1 and format in (Format.SRT, Format.VTT):
        return _fail(say("files_need_folder", format=format.value))
    try:
        results.prepare()
        with loading_progress(model, say) as on_progress:
            await engine.load(model, on_progress=on_progress, trusted=True)
    except ModelUnavailable as error:
        return _fail(say.error(error))
    except OSError as error:
        return _fail(say("folder_unusable", folder=output, reason=error.strerror or error))
    codes = [await _transcribe(file, engine, language, results, say, alone=len(files) == 1) for file in files]
    results.finish()
    return max(codes, default=0)


async def _transcribe(
    file: Path, engine: Whisper, language: str | None, results: Results, say: Words, *, alone: bool
) -> int:
    name = _shown(file)
    try:
        with _bar(say("transcribing", file=name)) as on_progress:
            transcript = await engine.transcribe(
                file, language=language, timestamps=results.timed, on_progress=on_progress
            )
        results.add(file, transcript, title="" if alone else f"{name}:\n")
    except Rejected as error:
        return _fail(f"{name}: {say.error(error)}")
    except OSError as error:  # reading this file or writing its result; the next one may fare better
        return _fail(f"{name}: {say('file_failed', reason=error.strerror or error)}")
    if transcript.cut_short:
        _tell(f"{name}: {say('media_cut_short', seconds=f'{transcript.duration_s:.1f}')}")
    if not transcript.text:
        _tell(f"{name}: {say('no_speech')}")
    return 0


class Results:
    """Where transcripts go: to stdout, or each into a file of its own in `folder`, never anywhere else."""

    def __init__(self, form: Format, folder: Path | None) -> None:
        self._form = form
        self._folder = folder
        self._taken: set[str] = set()
        self._done: list[tuple[str, Transcript]] = []
        self.timed = form is not Format.TEXT  # whether anybody will see when what was said

    def prepare(self) -> None:
        """Makes the folder; raises OSError."""
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)

    def add(self, file: Path, transcript: Transcript, title: str = "") -> None:
        """Takes the transcript of `file`; raises OSError. `title` stands before a printed text."""
        name = _name(file)
        if self._folder is not None:
            self._write(self._free_name(file.stem), _rendered(self._form, name, transcript))
        elif self._form is Format.JSON:
            self._done.append((name, transcript))
        else:
            sys.stdout.write(title + _rendered(self._form, name, transcript))
            sys.stdout.flush()

    def finish(self) -> None:
        """Prints what can only be printed as a whole: the JSON list, also an empty one."""
        if self._folder is None and self._form is Format.JSON:
            sys.stdout.write(as_json(self._done) + "\n")

    def _free_name(self, stem: str) -> str:
        """Two inputs of one stem get a number; case does not count, as on some disks."""
        name, number = stem, 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{stem}-{number}"
        self._taken.add(name.casefold())
        return name + self._form.suffix

    def _write(self, name: str, text: str) -> None:
        """Whole or not at all; a link of that name is replaced, not followed out of the folder."""
        assert self._folder is not None
        descriptor, draft = tempfile.mkstemp(dir=self._folder, prefix=".draft-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(draft).replace(self._folder / name)
        except BaseException:
            Path(draft).unlink()
            raise


def _rendered(form: Format, name: str, transcript: Transcript) -> str:
    match form:
        case Format.SRT:
            return srt(transcript)
        case Format.VTT:
            return vtt(transcript)
        case Format.JSON:
            return as_json([(name, transcript)]) + "\n"
        case Format.TEXT:
            return transcript.text + "\n"


def _name(file: Path) -> str:
    """The name as text; bytes that are none become question marks instead of errors."""
    return os.fsencode(file).decode("utf-8", "replace")


def _shown(file: Path) -> str:
    """The name for a terminal, where escape sequences and turned writing would be obeyed: they are spelled out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in _name(file))


@contextlib.contextmanager
def _bar(title: str) -> Iterator[Callable[[float], None]]:
    started_s = time.monotonic()
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(escape(title), total=1.0, visible=False)
        yield lambda fraction: progress.update(
            task, completed=fraction, visible=time.monotonic() - started_s > BAR_AFTER_S
        )


def _fail(sentence: str) -> int:
    _tell(sentence)
    return 1


def _tell(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
