"""The daemon put together: every part with what it needs. No behaviour; `userbot.py` has the commands."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

from config import EXIT_ACTION, EXIT_OCCUPIED, EXIT_PREFLIGHT, REDIS_CONF
from config.logs import setup_logging
from config.settings import Settings, exposed, typos
from transcriber import daemon
from transcriber.alert import Alert
from transcriber.answer import Answer
from transcriber.catchup import CatchUp
from transcriber.chat import Chat
from transcriber.commands import Commands
from transcriber.drafts import Drafts
from transcriber.errors import TranscriberError
from transcriber.facts import Observer
from transcriber.health import Health, Level, fall_silent
from transcriber.intake import Intake
from transcriber.job import Job
from transcriber.journal import Journal
from transcriber.lease import Lease, Occupied, file_lock
from transcriber.model_choice import ModelChoice
from transcriber.pipeline import Pipeline
from transcriber.preflight import preflight
from transcriber.privacy import Places, Privacy
from transcriber.pulse import Pulse, Watched
from transcriber.redis_client import connect
from transcriber.redis_server import embedded_redis
from transcriber.refiner import Refiner
from transcriber.retries import Retries
from transcriber.state import State
from transcriber.status import Status
from transcriber.supervisor import Supervisor
from transcriber.tasks import Background, unless
from transcriber.telegram import Telegram
from transcriber.texts import Words
from transcriber.voice import Voice
from transcriber.waiting import patiently
from transcriber.whisper import Whisper

log = logging.getLogger("userbot")


async def run(settings: Settings, say: Words, *, waits: bool = False) -> int:
    """Run the daemon; its exit code. `waits`: where only a sign-in helps, wait for it instead of ending."""
    setup_logging(settings.log_level, settings.log_format)
    log.info(say("starting"))
    log.info(say("cpu_threads", threads=settings.cpu_threads))
    for sentence in (*typos(), *exposed()):
        log.warning(sentence)
    stop = daemon.Stop()
    start = partial(_start, settings, say, stop)
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        return await (patiently(start, settings.session_file, say, stop.asked) if waits else start())
    except OSError as error:
        log.error(say("folder_not_writable", folder=settings.data_dir, error=error.strerror or error))
        return EXIT_PREFLIGHT
    except TranscriberError as error:
        log.error(say.error(error))
        return EXIT_OCCUPIED if isinstance(error, Occupied) else EXIT_ACTION


async def _start(settings: Settings, say: Words, stop: daemon.Stop) -> int:
    """Run with this session's lock and a Redis; raises OSError or TranscriberError when that cannot begin or go on."""
    with file_lock(settings.session_file):
        async with _redis_url(settings, say) as url, connect(url) as redis:
            state = State(redis, transcript_ttl_s=settings.transcript_ttl_s)
            return await _serve(settings, say, url, state, stop)


@asynccontextmanager
async def _redis_url(settings: Settings, say: Words) -> AsyncIterator[str]:
    """The Redis of the settings, or a private one for as long as the program runs."""
    if url := settings.redis_url.get_secret_value():
        yield url
        return
    async with embedded_redis(settings.data_dir / "redis", REDIS_CONF, say) as url:
        yield url


async def _serve(settings: Settings, say: Words, url: str, state: State, stop: daemon.Stop) -> int:
    """From the preflight to the last line of the log."""
    engine = engine_of(settings)
    checks = preflight(
        say,
        data_dir=settings.data_dir,
        session_file=settings.session_file,
        redis=state.redis,
        load_model=lambda: daemon.load_model(engine, state, say, settings.whisper_model),
    )
    problems = await unless(stop.asked, checks)
    if problems is None:
        stop.tell(say)
        log.info(say("stopped"))
        return 0
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
        await fall_silent(state)
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
    pulse, journal = Pulse(), Journal(state, say)
    watched = Watched(engine, chat, pulse, journal.note, journal.heard)
    answer, drafts = Answer(watched, state, say), Drafts(state, settings.refine_model)
    job = Job(
        state,
        watched,
        watched,
        answer,
        folder=incoming,
        attempts=settings.job_attempts,
        max_bytes=settings.max_file_size_bytes,
        hotwords=settings.hotwords,
        places=engine.places,
        drafts=drafts,
    )
    refiner = Refiner(
        *(state, drafts, chat, answer, lambda: engine_of(settings), say),
        folder=incoming,
        hotwords=settings.hotwords,
        may_load=lambda: not engine.is_away,
    )
    pipeline = Pipeline(url, state, job, redelivery_s=settings.redelivery_timeout_s)

    async def enqueue(voice: Voice) -> None:
        refiner.make_way()
        await pipeline.add(voice)

    intake = Intake(state, enqueue, lambda: catch_up.ask())

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
    health = Health(state, settings.data_dir, catch_up.ask, pulse, journal.write)
    for name, part in health.parts.items():
        journal.watch(name, part)
    engine.resident.on_trouble = lambda error: health.model.set(
        Level.DOWN if error else Level.OK, say.error(error) if error else ""
    )
    observer = Observer(
        health,
        state,
        pipeline,
        engine,
        journal,
        threads=settings.cpu_threads,
        reconnects=lambda: max(0, telegram.sessions - 1),
        flood_wait_s=lambda: sum(telegram.flood_waits_s),
    )
    retries, status = Retries(chat, state, enqueue), Status(observer, say)
    privacy = Privacy(state, _places(settings), say)
    choice = ModelChoice(
        engine, state, journal, say, models_dir=settings.models_dir, compute_type=settings.compute_type
    )
    commands = Commands(
        chat, choice, state, intake, status, retries, privacy, say, Background(), hotwords=settings.hotwords
    )
    watchers = [Alert(health, state, chat, say, lambda: telegram.me).run, refiner.run]
    if settings.status_port:
        from transcriber.web import StatusPort  # only who wants it pays for it: 20 MB

        watchers.append(StatusPort(observer, health, say, host=settings.status_host, port=settings.status_port).run)

    async def on_start() -> None:
        await daemon.greet(parts, settings.tracked_users)
        if telegram.sessions == 1:
            await daemon.introduce(say, state, engine)
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
    parts = daemon.Parts(
        telegram, chat, state, intake, pipeline, catch_up, health, lease, supervisor, engine, tuple(watchers)
    )
    return parts, daemon.Listener(intake, commands)


def _places(settings: Settings) -> Places:
    """Where things are kept, without the password of a Redis."""
    address = urlsplit(settings.redis_url.get_secret_value())
    port = f"http://{settings.status_host}:{settings.status_port}/" if settings.status_port else ""
    return Places(
        incoming=settings.data_dir / "incoming",
        session_file=settings.session_file,
        redis=(address.hostname or address.path) if address.scheme else str(settings.data_dir / "redis"),
        status_port=port,
    )


def engine_of(settings: Settings) -> Whisper:
    return Whisper(
        settings.models_dir,
        compute_type=settings.compute_type,
        threads=settings.cpu_threads,
        idle_s=settings.model_idle_minutes * 60,
    )
