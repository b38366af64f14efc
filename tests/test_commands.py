"""The owner's commands, on a real Redis, with small chats and a small engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.people import ANNA, BORIS, FakeChat, FakeEngine, voice
from tests.stage import until
from transcriber.commands import Commands
from transcriber.errors import Lost, ModelUnavailable, Refused, RetryLater
from transcriber.facts import Observer
from transcriber.health import Health, Level
from transcriber.intake import Intake
from transcriber.journal import Journal
from transcriber.languages import LanguageHint
from transcriber.model_choice import ModelChoice
from transcriber.parts import PART_LIMIT, units
from transcriber.privacy import Places, Privacy
from transcriber.redis_client import connect
from transcriber.retries import Retries
from transcriber.state import State
from transcriber.status import Status
from transcriber.tasks import Background
from transcriber.texts import Words
from transcriber.tongues import CODES
from transcriber.voice import Command, Person, Voice
from transcriber.whisper import languages

Spawn = Callable[[Coroutine[Any, Any, None]], None]
SAY = Words("en")
CHAT, MESSAGE = 500, 1


class Queue:
    """Remembers what was queued."""

    def __init__(self) -> None:
        self.added: list[Voice] = []
        self.last_error = ""

    async def add(self, voice: Voice) -> None:
        self.added.append(voice)

    async def waiting(self) -> tuple[int, float]:
        return len(self.added), 5.0


class Desk:
    """The commands with everything around them."""

    def __init__(
        self, state: State, folder: Path, *, spawn: Spawn | None = None, engine: FakeEngine | None = None
    ) -> None:
        self.chat, self.engine, self.queue, self.state = FakeChat(), engine or FakeEngine(), Queue(), state
        self.intake = Intake(state, self.queue.add, lambda: None)
        self.health = Health(state, folder, lambda: None)
        self.journal = Journal(state, SAY)
        observer = Observer(
            self.health,
            state,
            self.queue,
            self.engine,
            self.journal,
            threads=2,
            reconnects=lambda: 3,
            flood_wait_s=lambda: 30.0,
        )
        self.folder = folder
        places = Places(folder, folder / "a.session", "redis.example", "")
        privacy = Privacy(state, places, SAY)
        retries = Retries(self.chat, state, self.queue.add)
        self.background = Background()
        status = Status(observer, SAY)
        choice = ModelChoice(self.engine, state, self.journal, SAY, models_dir=folder / "models", compute_type="int8")
        self.commands = Commands(
            self.chat, choice, state, self.intake, status, retries, privacy, SAY, spawn or self.background
        )
        self.chat.people = {
            "@anna": Person(ANNA, "@anna"),
            ANNA: Person(ANNA, "@anna"),
            BORIS: Person(BORIS, "Борис"),
        }

    async def ask(self, text: str, reply_to_id: int = 0) -> str:
        """The answer to a command."""
        self.chat.texts.clear()
        await self.commands.on_command(Command(CHAT, MESSAGE, text, reply_to_id))
        await until(lambda: self.chat.texts and not self.chat.texts[CHAT, MESSAGE].startswith("⏳"))
        return self.chat.texts[CHAT, MESSAGE]


@pytest.fixture
async def desk(state: State, tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(state, tmp_path)
    yield desk
    await desk.background.end()


@pytest.mark.parametrize("who", ["@anna", str(ANNA)])
async def test_a_person_is_added_by_name_or_id_and_heard_from_then_on(desk: Desk, who: str) -> None:
    assert not desk.intake.is_tracked(ANNA)
    assert await desk.ask(f"/add {who}") == SAY("added", name="@anna", id=ANNA)
    assert desk.intake.is_tracked(ANNA)


async def test_a_person_is_added_by_replying_to_them(desk: Desk) -> None:
    desk.chat.authors[CHAT, 7] = BORIS
    assert await desk.ask("/add", reply_to_id=7) == SAY("added", name="Борис", id=BORIS)


async def test_adding_somebody_twice_says_so(desk: Desk) -> None:
    await desk.ask("/add @anna")
    assert await desk.ask("/add @anna") == SAY("added_already", name="@anna", id=ANNA)


async def test_add_without_anybody_asks_whom(desk: Desk) -> None:
    assert await desk.ask("/add") == SAY("add_whom")
    assert await desk.ask("/remove") == SAY("remove_whom")


@pytest.mark.parametrize("code", ["PEER_ID_INVALID", "USER_ID_INVALID", "USERNAME_INVALID", "USERNAME_NOT_OCCUPIED"])
async def test_whoever_telegram_does_not_know_gets_a_clear_answer(desk: Desk, code: str) -> None:
    async def person(who: int | str) -> Person:
        raise Refused(code)

    desk.chat.person = person  # type: ignore[method-assign]
    assert await desk.ask("/add @ghost") == SAY("nobody")


@pytest.mark.parametrize("who", ["@anna", "@ANNA", str(ANNA)])
async def test_a_person_is_removed_even_when_telegram_no_longer_knows_them(desk: Desk, who: str) -> None:
    await desk.ask("/add @anna")
    desk.chat.people.clear()
    assert await desk.ask(f"/remove {who}") == SAY("removed", name="@anna")
    assert not desk.intake.is_tracked(ANNA)


async def test_removing_somebody_who_is_not_tracked_says_so(desk: Desk) -> None:
    assert await desk.ask("/remove @anna") == SAY("not_tracked", name="@anna")


async def test_the_list_names_everybody(desk: Desk) -> None:
    await desk.ask("/add @anna")
    await desk.ask(f"/add {BORIS}")
    assert (await desk.ask("/list")).splitlines()[1:] == [f"• @anna ({ANNA})", f"• Борис ({BORIS})"]


async def test_the_model_is_switched_and_remembered(desk: Desk) -> None:
    assert await desk.ask("/model tiny") == SAY("model_switched", model="tiny")
    assert (desk.engine.model, await desk.state.model()) == ("tiny", "tiny")


async def test_a_model_that_does_not_load_leaves_the_old_one(desk: Desk) -> None:
    desk.engine.refuses["nope"] = ModelUnavailable("message_gone")
    assert "base" in await desk.ask("/model nope")
    assert (desk.engine.model, await desk.state.model()) == ("base", None)


async def test_commands_are_known_in_any_case_and_others_stay_untouched(desk: Desk) -> None:
    assert await desk.ask("/HELP") == SAY("help")
    desk.chat.texts.clear()
    for text in ("/", "/helpme", "/start", "/status@bot", "/ status"):
        await desk.commands.on_command(Command(CHAT, 2, text))
    assert await desk.ask("/help") == SAY("help")
    assert (CHAT, 2) not in desk.chat.texts


async def test_every_command_is_in_the_help(desk: Desk) -> None:
    for language in ("ru", "en"):
        assert all(f"/{name}" in Words(language)("help") for name in desk.commands.table)


async def test_a_surprise_is_answered_too(desk: Desk) -> None:
    async def person(who: int | str) -> Person:
        raise ValueError("?")

    desk.chat.person = person  # type: ignore[method-assign]
    assert "ValueError" in await desk.ask("/add @anna")


async def test_telegram_trouble_is_answered_in_words(desk: Desk) -> None:
    async def person(who: int | str) -> Person:
        raise Lost("network_error", error="x")

    desk.chat.person = person  # type: ignore[method-assign]
    assert await desk.ask("/add @anna") == SAY("network_error", error="x")


async def test_status_tells_of_every_part_the_queue_and_the_process(desk: Desk) -> None:
    desk.health.telegram.set(Level.OK)
    await desk.queue.add(voice(1))
    desk.queue.last_error = "OSError: disk"
    answer = await desk.ask("/status")
    for expected in ("Telegram: OK", "Redis: OK", "Whisper: OK", "base", "threads: 2", "Waiting: 1", "5 s", "disk"):
        assert expected in answer
    assert "reconnects: 3" in answer


async def test_status_works_and_says_why_when_redis_is_away(tmp_path: Path) -> None:
    async with connect(f"unix://{tmp_path}/nothing.sock") as redis:
        desk = Desk(State(redis), tmp_path)
        await desk.health.check()
        assert "Redis: DEGRADED" in await desk.ask("/status")
        assert await desk.ask("/list") == SAY("command_no_redis")


async def test_a_voice_that_was_given_up_is_taken_up_again(desk: Desk) -> None:
    lost = voice(9)
    await desk.state.accept(lost)
    await desk.state.give_up(lost, "no luck")
    await desk.state.close(lost, "failed")
    assert await desk.ask("/retry") == SAY("retrying", count=1)
    assert [v.key for v in desk.queue.added] == [lost.key]
    assert await desk.state.given_up() == {}
    assert await desk.state.pending(lost.key) == lost
    assert (await desk.state.marks(lost.key))["round"] == "1"


async def test_a_voice_is_retried_by_replying_to_it(desk: Desk) -> None:
    again = voice(4, chat_id=CHAT)
    desk.chat.histories[CHAT] = [again]
    assert await desk.ask("/retry", reply_to_id=4) == SAY("retrying", count=1)
    assert await desk.ask("/retry", reply_to_id=4) == SAY("retry_nothing"), "it is in work already"
    assert await desk.ask("/retry", reply_to_id=5) == SAY("retry_nothing")


async def test_one_model_is_loaded_at_a_time(desk: Desk) -> None:
    gate, loading = asyncio.Event(), []

    async def load(name: str, **_: object) -> None:
        loading.append(name)
        await gate.wait()
        desk.engine.model = name

    desk.engine.load = load  # type: ignore[method-assign]
    await desk.commands.on_command(Command(CHAT, 1, "/model a"))
    await desk.commands.on_command(Command(CHAT, 2, "/model b"))
    await until(lambda: loading == ["a"])
    gate.set()
    await until(lambda: desk.engine.model == "b")
    assert loading == ["a", "b"]


async def test_the_language_is_set_shown_and_freed_for_all_and_for_one(desk: Desk) -> None:
    desk.chat.authors[CHAT, 7] = BORIS
    await desk.ask(f"/add {BORIS}")
    await desk.state.keep_spoken(BORIS, LanguageHint("ru", 0.9, 0.0))
    everybody = SAY("lang_all")
    assert await desk.ask("/lang") == "\n".join(
        [SAY("lang_line", who=everybody, language="auto"), SAY("lang_heard", who="Борис", language="ru")]
    )
    assert await desk.ask("/lang DE") == SAY("lang_set", who=everybody, language="de")
    assert await desk.ask("/lang uk", reply_to_id=7) == SAY("lang_set", who="Борис", language="uk")
    assert await desk.state.forced_languages() == {"all": "de", str(BORIS): "uk"}
    assert await desk.ask("/lang", reply_to_id=7) == SAY("lang_line", who="Борис", language="uk")
    assert await desk.ask("/lang auto", reply_to_id=7) == SAY("lang_auto", who="Борис")
    assert await desk.ask("/lang auto") == SAY("lang_auto", who=everybody)
    assert await desk.state.forced_languages() == {}


async def test_a_language_whisper_does_not_know_is_refused(desk: Desk) -> None:
    assert await desk.ask("/lang klingon") == SAY("language_unknown", language="klingon")
    assert languages() == CODES


async def test_a_command_ends_in_its_answer_also_after_a_flood_wait(desk: Desk) -> None:
    edit, troubles = desk.chat.edit, [RetryLater("flood_wait", after_s=0.05, seconds=0)]

    async def flooded(chat_id: int, message_id: int, text: str) -> None:
        if troubles:
            raise troubles.pop()
        await edit(chat_id, message_id, text)

    desk.chat.edit = flooded  # type: ignore[method-assign]
    assert await desk.ask("/help") == SAY("help")


async def test_what_only_looks_like_an_id_is_nobody(desk: Desk) -> None:
    """Found by tests.fuzz: int() does not take it."""
    assert await desk.ask("/add --5") == SAY("nobody")


async def test_a_list_longer_than_a_message_is_cut_instead_of_lost(desk: Desk) -> None:
    """Telegram refuses a longer edit, so that there was no answer at all."""
    for number in range(1, 200):
        await desk.state.track(Person(ANNA + number, "Анна-Мария Константинопольская"))
    answer = await desk.ask("/list")
    assert answer.startswith(SAY("tracked_count", count=199))
    assert answer.endswith("\n…")
    assert 3_900 < units(answer) <= PART_LIMIT
