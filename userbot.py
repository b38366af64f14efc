"""Voice Transcriber: a Telegram userbot that answers voice messages with their text. These are its commands."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from config import EXIT_ACTION, EXIT_OCCUPIED, EXIT_SETTINGS, REDIS_CONF
from config.settings import Settings, SettingsError, load_settings
from transcriber.captions import Format
from transcriber.errors import TranscriberError
from transcriber.terminal import ask, echo_kept, leave, never_fail_to_print
from transcriber.texts import Words

# Whatever else a command needs is imported in it: Telegram and Whisper take seconds, and `health` runs every minute.

EXIT_INTERRUPTED = 130  # as shells have it

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    wait: Annotated[bool, typer.Option(help="Where only a person can help, wait for them instead of ending.")] = False,
) -> None:
    """A Telegram userbot that answers voice messages with their text. Without a command: run it."""
    os.umask(0o077)  # whatever is written here is for its owner alone
    never_fail_to_print()
    if context.invoked_subcommand is None:
        from wiring import run

        settings = _settings(wait=wait)
        code = asyncio.run(run(settings, Words(settings.language), waits=wait))
        leave(code)  # a decoder step cannot be interrupted and would hold up the exit for seconds


@app.command()
def login(qr: Annotated[bool, typer.Option("--qr", help="Sign in with a QR code.")] = False) -> None:
    """Sign in to Telegram and write the session file."""
    from transcriber.lease import Occupied
    from transcriber.login import SignIn

    settings = _settings()
    say = Words(settings.language)
    logging.disable()  # the person is told in words; what libraries say would stand between question and answer
    sign_in = SignIn(
        settings.session_file, settings.api_id, settings.api_hash.get_secret_value(), say=say, ask=ask, show=typer.echo
    )
    try:
        with echo_kept():
            asyncio.run(sign_in.run(qr=qr))
        code = 0
    except KeyboardInterrupt:
        typer.echo("\n" + say("interrupted"), err=True)
        code = EXIT_INTERRUPTED
    except TranscriberError as error:
        typer.echo(say.error(error), err=True)
        code = EXIT_OCCUPIED if isinstance(error, Occupied) else EXIT_ACTION
    leave(code)  # a question nobody answered still holds standard input


@app.command()
def transcribe(
    files: Annotated[list[Path], typer.Argument(help="Audio or video files.")],
    model: Annotated[str, typer.Option(help="A size name, a hub id or a folder.")] = "",
    language: Annotated[str | None, typer.Option(help="Language code; detected when not given.")] = None,
    output_format: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.TEXT,
    output: Annotated[Path | None, typer.Option(help="Folder for the results; without it they are printed.")] = None,
) -> None:
    """Transcribe files, without Telegram and Redis."""
    from transcriber.files import transcribe_files
    from wiring import engine_of

    settings = _settings(needs_telegram=False)
    work = transcribe_files(
        files,
        engine=engine_of(settings),
        model=model or settings.whisper_model,
        language=language,
        format=output_format,
        output=output,
        say=Words(settings.language),
    )
    raise typer.Exit(asyncio.run(work))


@app.command()
def health() -> None:
    """Say in one line whether the running program is well; the exit code is 0 or 1."""
    from transcriber.redis_server import running_url
    from transcriber.verdict import examine
    from transcriber.waiting import waits_for

    settings = _settings(needs_telegram=False)
    url = settings.redis_url.get_secret_value() or running_url(settings.data_dir / "redis")
    well, sentence = asyncio.run(examine(Words(settings.language), url))
    if not well and (reason := waits_for(settings.session_file)):
        sentence = reason
    typer.echo(f"{'✅' if well else '❌'} {sentence}")
    raise typer.Exit(0 if well else 1)


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Look at everything that has to be right for the program to run well here; the exit code is 0 or 1."""
    from transcriber.doctor import Machine, report

    settings = _settings(needs_telegram=False)
    machine = Machine(
        data_dir=settings.data_dir,
        session_file=settings.session_file,
        redis_url=settings.redis_url.get_secret_value(),
        redis_conf=REDIS_CONF,
        model=settings.whisper_model,
        compute_type=settings.compute_type,
        threads=settings.cpu_threads,
        has_account=bool(settings.api_id and settings.api_hash.get_secret_value()),
    )
    raise typer.Exit(asyncio.run(report(machine, Words(settings.language), as_json=as_json, show=typer.echo)))


def _settings(*, needs_telegram: bool = True, wait: bool = False) -> Settings:
    try:
        return load_settings(needs_telegram=needs_telegram)
    except SettingsError as error:
        for sentence in error.sentences:
            typer.echo(sentence, err=True)
        if wait:
            signal.pause()  # other settings mean another process: there is nothing to look for
        raise typer.Exit(EXIT_SETTINGS) from None


if __name__ == "__main__":
    app()
