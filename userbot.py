"""Voice Transcriber: a Telegram userbot that answers voice messages with their text. This file only wires the parts."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from config.logs import setup_logging
from config.settings import Settings, SettingsError, load_settings, typos
from transcriber import daemon
from transcriber.answer import Answer
from transcriber.catchup import CatchUp
from transcriber.chat import Chat
from transcriber.commands import Commands
from transcriber.errors import ModelUnavailable, TranscriberError
from transcriber.files import Format, transcribe_files
from transcriber.health import Health
from transcriber.intake import Intake
from transcriber.lease import Lease, Occupied, file_lock
from transcriber.login import SignIn
from transcriber.pipeline import Pipeline
from transcriber.preflight import preflight
from transcriber.progress import loading_progress
from transcriber.redis_server import embedded_redis
from transcriber.retries import Retries
from transcriber.state import State, connect
from transcriber.status import Status
from transcriber.supervisor import Supervisor
from transcriber.tasks import Background
from transcriber.telegram import Telegram
from transcriber.terminal import ask, echo_kept, leave, never_fail_to_print
from transcriber.texts import Words
from transcriber.voice import label
from transcriber.whisper import Whisper

EXIT_SETTINGS, EXIT_ACTION, EXIT_OCCUPIED, EXIT_PREFLIGHT = 2, 3, 4, 5
EXIT_INTERRUPTED = 130  # as shells have it
REDIS_CONF = Path(__file__).with_name("config") / "redis.conf"

log = logging.getLogger("userbot")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def start(context: typer.Context) -> None:
    """A Telegram userbot that answers voice messages with their text. Without a command: run it."""
    os.umask(0o077)  # whatever is written here is for its owner alone
    never_fail_to_print()
    if context.invoked_subcommand is None:
        settings = _settings()
        code = asyncio.run(_run(settings, Words(settings.language)))
        leave(code)  # a decoder step cannot be interrupted and would hold up the exit for seconds


@app.command()
def login(qr: Annotated[bool, typer.Option("--qr", help="Sign in with a QR code.")] = False) -> None:
    """Sign in to Telegram and write the session file."""
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
    settings = _settings(needs_telegram=False)
    work = transcribe_files(
        files,
        engine=_engine(settings),
        model=model or settings.whisper_model,
        language=language,
        format=output_format,
        output=output,
        say=Words(settings.language),
    )
    raise typer.Exit(asyncio.run(work))


async def _run(settings: Settings, say: Words) -> int:
    """The daemon's exit code."""
    setup_logging(settings.log_level, settings.log_format)
    log.info(say("starting"))
    log.info(say("cpu_threads", threads=settings.cpu_threads))
    for sentence in typos():
        log.warning(sentence)
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with file_lock(settings.session_file):
            async with _redis_url(settings, say) as url, connect(url) as redis:
                return await _serve(settings, say, url, State(redis, transcript_ttl_s=settings.transcript_ttl_s))
    except OSError as error:
        log.error(say("folder_not_writable", folder=settings.data_dir, error=error.strerror or error))
        return EXIT_PREFLIGHT
    except TranscriberError as error:
        log.error(say.error(error))
        return EXIT_OCCUPIED if isinstance(error, Occupied) else EXIT_ACTION


@asynccontextmanager
async def _redis_url(settings: Settings, say: Words) -> AsyncIterator[str]:
    """The Redis of the settings, or a private one for as long as the program runs."""
    if url := settings.redis_url.get_secret_value():
        yield url
        return
    async with embedded_redis(settings.data_dir / "redis", REDIS_CONF, say) as url:
        yield url


async def _serve(settings: Settings, say: Words, url: str, state: State) -> int:
    """From the preflight to the last line of the log."""
    stop = daemon.Stop()
    engine = _engine(settings)
    problems = await preflight(
        say,
        data_dir=settings.data_dir,
        session_file=settings.session_file,
        redis=state.redis,
        load_model=lambda: _load_model(settings, say, state, engine),
    )
    if problems:
        for problem in problems:
            log.error(problem)
        return EXIT_PREFLIGHT
    await daemon.seed(state, settings.tracked_users)
    log.info(say("tracked_count", count=len(await state.tracked())))
    log.info(say("preflight_passed"))
    lease = Lease(state, ttl_s=settings.lease_ttl_s)
    await lease.take()
    try:
        parts, listener = _wire(settings, say, url, state, engine, lease)
        await parts.intake.reload()
        await daemon.run(parts, listener, stop, say, grace_s=settings.shutdown_grace_s)
    finally:
        await lease.drop()
    log.info(say("stopped"))
    return 0


def _wire(
    settings: Settings, say: Words, url: str, state: State, engine: Whisper, lease: Lease
) -> tuple[daemon.Parts, daemon.Listener]:
    """Every part with what it needs; the only place that knows them all."""
    telegram = Telegram(
        settings.session_file,
        settings.api_id,
        settings.api_hash.get_secret_value(),
        sleep_threshold_s=int(settings.sleep_threshold_s),
        max_transmissions=settings.max_concurrent_transmissions,
        ping_interval_s=settings.ping_interval_s,
        ping_timeout_s=settings.ping_timeout_s,
        may_speak=lambda: lease.held,
    )
    chat = Chat(telegram)
    incoming = settings.data_dir / "incoming"
    incoming.mkdir(exist_ok=True)
    pipeline = Pipeline(
        url,
        state,
        engine,
        chat,
        Answer(chat, state, say),
        folder=incoming,
        attempts=settings.job_attempts,
        max_bytes=settings.max_file_size_bytes,
        redelivery_s=settings.redelivery_timeout_s,
    )
    intake = Intake(state, pipeline.add, lambda: catch_up.ask())

    async def resume() -> None:
        await intake.resume()
        await pipeline.requeue()

    catch_up = CatchUp(
        chat,
        state,
        intake.offer,
        before=resume,
        max_age_s=settings.catch_up_max_age_s,
        interval_s=settings.catch_up_interval_s,
    )
    health = Health(state, settings.data_dir, catch_up.ask)
    status = Status(
        health,
        state,
        pipeline,
        engine,
        say,
        threads=settings.cpu_threads,
        reconnects=lambda: max(0, telegram.sessions - 1),
    )
    retries = Retries(chat, state, pipeline.add)
    commands = Commands(chat, engine, state, intake, status, retries, say, Background())

    async def on_start() -> None:
        await daemon.greet(parts, settings.tracked_users)
        if telegram.sessions == 1:
            await _introduce(say, state, engine)
        catch_up.ask()

    supervisor = Supervisor(
        telegram,
        state,
        say,
        health.telegram,
        pauses_s=settings.reconnect_pauses_s,
        before_connecting=lease.confirm,
        on_start=on_start,
    )
    parts = daemon.Parts(telegram, chat, state, intake, pipeline, catch_up, health, lease, supervisor)
    return parts, daemon.Listener(intake, commands)


async def _introduce(say: Words, state: State, engine: Whisper) -> None:
    log.info(say("using_model", model=label(engine.model)))
    log.info(say("tracked_list", names=", ".join((await state.tracked()).values()) or "—"))


async def _load_model(settings: Settings, say: Words, state: State, engine: Whisper) -> None:
    """The model chosen with /model, or, when that one is gone, the one from the settings."""
    chosen = await state.model()
    with loading_progress(chosen or settings.whisper_model, say) as on_progress:
        if chosen and chosen != settings.whisper_model:
            try:
                await engine.load(chosen, on_progress=on_progress)
                return
            except ModelUnavailable as error:
                log.warning(say.error(error))
        await engine.load(settings.whisper_model, on_progress=on_progress, trusted=True)


def _engine(settings: Settings) -> Whisper:
    return Whisper(settings.data_dir / "models", compute_type=settings.compute_type, threads=settings.cpu_threads)


def _settings(*, needs_telegram: bool = True) -> Settings:
    try:
        return load_settings(needs_telegram=needs_telegram)
    except SettingsError as error:
        _end(error.sentences, EXIT_SETTINGS)


def _end(sentences: list[str], code: int) -> NoReturn:
    for sentence in sentences:
        typer.echo(sentence, err=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    app()
