"""The whole way, for real: the unmodified daemon as its own process, real sockets, real Redis, real Whisper weights.

One daemon serves all tests of this module, as it would serve a person.
"""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import av
import numpy as np
import pytest
import pytest_asyncio

from sandbox import Telegram
from tests.people import transcript
from tests.stage import Stage, until
from tests.wer import word_error_rate
from transcriber.parts import PART_LIMIT, units
from transcriber.texts import Words

pytestmark = pytest.mark.asyncio(loop_scope="module")
SAY = Words("ru")


@pytest.fixture(scope="module")
def module_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("end_to_end")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(module_folder: Path, base_weights: Path) -> AsyncIterator[Stage]:
    """A running daemon with Anna tracked."""
    async with Telegram() as telegram:
        stage = Stage(telegram, module_folder, base_weights)
        await stage.daemon.start()
        yield stage
        assert await stage.daemon.stop() == 0, stage.daemon.text
        assert telegram.unknown_methods == []


def said(voices: Path, name: str) -> str:
    """The reference text of a recording."""
    manifest = json.loads((voices / "manifest.json").read_text("utf-8"))
    return str(next(entry["text"] for entry in manifest if entry["file"] == name))


def in_mp4(ogg: Path) -> bytes:
    """The recording as Telegram packs round videos: AAC beside a moving picture."""
    out = io.BytesIO()
    with av.open(str(ogg)) as source, av.open(out, "w", format="mp4") as target:
        picture = target.add_stream("mpeg4", rate=10)
        picture.width = picture.height = 64
        sound = target.add_stream("aac", rate=48000)
        for _ in range(5):
            black = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            target.mux(picture.encode(black))
        for frame in source.decode(audio=0):
            frame.pts = None
            target.mux(sound.encode(frame))
        target.mux(sound.encode(None))
        target.mux(picture.encode(None))
    return out.getvalue()


@pytest.mark.parametrize("name", ["ru_3s.ogg", "en_real_3s.ogg", "en_real_11s.ogg"])
async def test_a_voice_in_a_private_chat_is_answered_with_its_text(stage: Stage, voices: Path, name: str) -> None:
    sent = stage.telegram.send_voice(stage.anna, stage.owner, (voices / name).read_bytes(), duration_s=3)
    assert word_error_rate(said(voices, name), await stage.answer(stage.anna, sent)) < 0.35


@pytest.mark.parametrize("where", ["group", "club"])
async def test_a_voice_in_a_group_is_answered_there(stage: Stage, voices: Path, where: str) -> None:
    chat = getattr(stage, where)
    sent = stage.telegram.send_voice(stage.anna, chat, (voices / "en_3s.ogg").read_bytes(), duration_s=3)
    assert word_error_rate(said(voices, "en_3s.ogg"), await stage.answer(chat, sent)) < 0.35


@pytest.mark.parametrize("kind", ["video_note", "audio", "video"])
async def test_round_videos_audio_files_and_videos_are_answered_too(stage: Stage, voices: Path, kind: str) -> None:
    data = in_mp4(voices / "en_3s.ogg")
    sent = getattr(stage.telegram, f"send_{kind}")(stage.anna, stage.owner, data, duration_s=3)
    assert word_error_rate(said(voices, "en_3s.ogg"), await stage.answer(stage.anna, sent)) < 0.35


async def test_silence_is_answered_with_no_speech(stage: Stage, voices: Path) -> None:
    data = (voices / "silence_5s.ogg").read_bytes()
    sent = stage.telegram.send_voice(stage.anna, stage.owner, data, duration_s=5)
    assert await stage.answer(stage.anna, sent) == SAY("no_speech")


@pytest.mark.parametrize("data", [b"", b"<html><body>not a voice</body></html>", bytes(range(256)) * 8])
async def test_a_broken_file_is_answered_with_a_reason(stage: Stage, data: bytes) -> None:
    sent = stage.telegram.send_voice(stage.anna, stage.owner, data, duration_s=3)
    assert (await stage.answer(stage.anna, sent)).startswith("❌")


async def test_a_truncated_recording_is_transcribed_and_says_so(stage: Stage, voices: Path) -> None:
    data = (voices / "en_real_11s.ogg").read_bytes()
    sent = stage.telegram.send_voice(stage.anna, stage.owner, data[: len(data) // 2], duration_s=11)
    answer = await stage.answer(stage.anna, sent)
    assert answer.startswith("Had he married")
    assert "⚠️" in answer


async def test_a_transcript_of_ten_thousand_characters_comes_whole_in_folded_parts(stage: Stage, voices: Path) -> None:
    text = " ".join(f"Предложение номер {number}, и оно не кончается сразу." for number in range(220))
    assert len(text) > 10_000
    sent_before = stage.telegram.send_text(stage.anna, stage.owner, "сейчас пришлю")
    message_id = int(sent_before.seen_by(stage.owner)) + 1
    async with await stage.redis() as redis:
        await redis.set(f"vt:transcript:{stage.anna.id}:{message_id}", transcript(text).to_json())
    sent = stage.telegram.send_voice(stage.anna, stage.owner, (voices / "en_3s.ogg").read_bytes(), duration_s=3)
    assert stage.seen_by_owner(sent) == message_id
    assert (await stage.answer(stage.anna, sent, parts=3)).split() == text.split()
    parts = stage.replies(stage.anna, message_id)
    assert all(units(part.text) <= PART_LIMIT for part in parts)
    assert all(part.entities[0]["collapsed"] and "lockquote" in str(part.entities) for part in parts)


async def test_speech_that_looks_like_markup_stays_as_it_was_said(stage: Stage, voices: Path) -> None:
    text = "**жирный** <b>тег</b> [ссылка](tg://user?id=1) `код` /status"
    before = stage.telegram.send_text(stage.anna, stage.owner, "ещё одно")
    message_id = int(before.seen_by(stage.owner)) + 1
    async with await stage.redis() as redis:
        await redis.set(f"vt:transcript:{stage.anna.id}:{message_id}", transcript(text).to_json())
    sent = stage.telegram.send_voice(stage.anna, stage.owner, (voices / "en_3s.ogg").read_bytes(), duration_s=3)
    assert await stage.answer(stage.anna, sent) == text
    assert stage.replies(stage.anna, message_id)[0].entities == []


async def test_nothing_happens_for_a_sender_who_is_not_tracked(stage: Stage, voices: Path) -> None:
    data = (voices / "en_3s.ogg").read_bytes()
    theirs = stage.telegram.send_voice(stage.boris, stage.owner, data, duration_s=3)
    ours = stage.telegram.send_voice(stage.anna, stage.owner, data, duration_s=3)
    await stage.answer(stage.anna, ours)  # later than theirs, and done: theirs was passed over
    (seen,) = [m for m in stage.telegram.messages(stage.owner, stage.boris) if m.id == stage.seen_by_owner(theirs)]
    assert stage.replies(stage.boris) == []
    assert seen.reactions == {}


async def test_a_view_once_voice_is_left_alone(stage: Stage, voices: Path) -> None:
    data = (voices / "en_3s.ogg").read_bytes()
    once = stage.telegram.send_voice(stage.anna, stage.owner, data, duration_s=3, ttl_s=0x7FFFFFFF)
    kept = stage.telegram.send_voice(stage.anna, stage.owner, data, duration_s=3)
    await stage.answer(stage.anna, kept)
    assert stage.replies(stage.anna, stage.seen_by_owner(once)) == []


def eyes(stage: Stage, message_id: int) -> bool:
    """Whether a voice of Anna's carries our reaction."""
    messages = stage.telegram.messages(stage.owner, stage.anna)
    return bool(next(m for m in messages if m.id == message_id).reactions == {"👀": [stage.owner.id]})


async def test_a_voice_in_work_carries_the_eyes_until_it_is_answered(stage: Stage, voices: Path) -> None:
    data = (voices / "en_real_25s.ogg").read_bytes()
    sent = stage.telegram.send_voice(stage.anna, stage.owner, data, duration_s=25)
    message_id = stage.seen_by_owner(sent)
    await until(lambda: eyes(stage, message_id), "the eyes")
    await stage.answer(stage.anna, sent)
    await until(lambda: not eyes(stage, message_id), "the eyes to go")


async def test_a_chat_that_forbids_reactions_still_gets_its_answer(stage: Stage, voices: Path) -> None:
    strict = stage.telegram.add_supergroup("Strict", [stage.owner, stage.anna], reactions=False)
    sent = stage.telegram.send_voice(stage.anna, strict, (voices / "en_3s.ogg").read_bytes(), duration_s=3)
    assert word_error_rate(said(voices, "en_3s.ogg"), await stage.answer(strict, sent)) < 0.35


async def test_commands_from_a_stranger_do_nothing(stage: Stage) -> None:
    stage.telegram.send_text(stage.boris, stage.owner, "/status")
    stage.telegram.send_text(stage.boris, stage.group, "/remove @anna_t")
    assert "@anna_t" in await stage.command("/list")
    assert stage.replies(stage.boris) == []


async def test_an_unknown_command_of_the_owner_stays_untouched(stage: Stage) -> None:
    sent = stage.telegram.send_text(stage.owner, stage.group, "/start@somebot")
    await stage.command("/help")
    (seen,) = [m for m in stage.telegram.messages(stage.owner, stage.group) if m.id == sent.seen_by(stage.owner)]
    assert (seen.text, seen.edited) == ("/start@somebot", False)


@pytest.mark.parametrize("where", ["owner", "anna", "group", "club"])
async def test_commands_are_answered_in_every_chat(stage: Stage, where: str) -> None:
    assert "🟢 Telegram: OK" in await stage.command("/status", getattr(stage, where))


async def test_people_are_added_listed_and_removed(stage: Stage, voices: Path) -> None:
    assert "@boris_t" in await stage.command("/add @boris_t")
    sent = stage.telegram.send_voice(stage.boris, stage.owner, (voices / "en_3s.ogg").read_bytes(), duration_s=3)
    await stage.answer(stage.boris, sent)
    assert "@boris_t" in await stage.command("/list")
    assert "@boris_t" in await stage.command("/remove @boris_t")
    assert "@boris_t" not in await stage.command("/list")


async def test_the_author_of_a_message_is_added_by_a_reply(stage: Stage) -> None:
    theirs = stage.telegram.send_text(stage.boris, stage.club, "привет")
    assert "@boris_t" in await stage.command("/add", stage.club, reply_to=theirs)
    assert "@boris_t" in await stage.command(f"/remove {stage.boris.id}")


@pytest.mark.parametrize("who", ["@nobody_there", "123456789", "@", "@x y", "99999999999999999999", "-5"])
async def test_adding_somebody_who_does_not_exist_says_so(stage: Stage, who: str) -> None:
    assert (await stage.command(f"/add {who}")).startswith("❓")


async def test_a_model_is_switched_in_the_chat_and_a_bad_name_keeps_the_old_one(
    stage: Stage, voices: Path, tiny_weights: Path
) -> None:
    models = stage.data / "models"
    models.mkdir(exist_ok=True)
    (models / "tiny.en").symlink_to(tiny_weights, target_is_directory=True)
    assert "tiny.en" in await stage.command("/model tiny.en")
    assert "tiny.en" in await stage.command("/model")
    sent = stage.telegram.send_voice(stage.anna, stage.owner, (voices / "en_3s.ogg").read_bytes(), duration_s=3)
    await stage.answer(stage.anna, sent)
    assert "tiny.en" in await stage.command("/model ../../etc/passwd")
    assert "tiny.en" in await stage.command("/status")


async def test_status_is_answered_at_once_while_a_minute_of_speech_is_in_work(stage: Stage, voices: Path) -> None:
    data = (voices / "en_60s.ogg").read_bytes()
    sent = stage.telegram.send_voice(stage.anna, stage.owner, data, duration_s=59)
    await until(lambda: eyes(stage, stage.seen_by_owner(sent)), "the work to begin")
    answer = await stage.command("/status")
    assert stage.replies(stage.anna, stage.seen_by_owner(sent)) == [], "the command waited for the voice"
    assert "📥 В очереди: 1" in answer
    await stage.answer(stage.anna, sent)


async def test_the_log_holds_no_text_that_anybody_said_or_wrote(stage: Stage) -> None:
    for private in ("капитаном", "amiable", "cinnamon", "79990000001", "0123456789abcdef"):
        assert private not in stage.daemon.text


async def test_what_was_chosen_survives_a_restart(stage: Stage) -> None:
    await stage.command("/add @boris_t")
    await stage.command("/words Кирилл, Kubernetes", stage.group)
    model = (await stage.command("/model")).partition(" Памяти")[0]
    assert await stage.daemon.stop() == 0
    await stage.daemon.start()
    assert "@boris_t" in await stage.command("/list")
    assert (await stage.command("/model")).startswith(model)
    assert "Кирилл, Kubernetes" in await stage.command("/words", stage.group)
    assert "Кирилл" not in await stage.command("/words", stage.club)
    await stage.command("/words off", stage.group)
    await stage.command("/remove @boris_t")


async def test_the_session_file_is_private(stage: Stage) -> None:
    assert stage.session_file.stat().st_mode & 0o777 == 0o600
