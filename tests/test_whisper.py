"""The engine on real weights and real voices. The bounds on word errors are those of Whisper base, with room."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tests.sounds import wav
from tests.weights import ROOT
from tests.wer import word_error_rate
from transcriber.errors import Interrupted, ModelUnavailable, Rejected
from transcriber.languages import SURE_SPEECH_S, LanguageHint
from transcriber.media import Sound
from transcriber.voice import Transcript
from transcriber.whisper import Whisper, languages


def said(voices: Path, name: str) -> str:
    """What is spoken in the recording `name`."""
    manifest: list[dict[str, str]] = json.loads((voices / "manifest.json").read_text())
    return next(voice["text"] for voice in manifest if voice["file"] == name)


@pytest.mark.parametrize(
    ("name", "language"), [("ru_3s.ogg", "ru"), ("en_3s.ogg", "en"), ("ru_m11s.ogg", "ru"), ("en_real_3s.ogg", "en")]
)
async def test_a_note_is_heard_and_its_language_found(name: str, language: str, engine: Whisper, voices: Path) -> None:
    transcript = await engine.transcribe(voices / name)
    assert word_error_rate(said(voices, name), transcript.text) < 0.25
    assert transcript.language == language
    assert transcript.language_probability > 0.8
    assert transcript.model == "base"
    assert not transcript.cut_short


async def test_segments_lie_in_order_within_the_voice_and_add_up_to_the_text(
    quick_engine: Whisper, voices: Path
) -> None:
    fractions: list[float] = []
    transcript = await quick_engine.transcribe(voices / "en_real_25s.ogg", language="en", on_progress=fractions.append)
    times = [time_s for segment in transcript.segments for time_s in (segment.start_s, segment.end_s)]
    assert len(transcript.segments) > 1
    assert times == sorted(times)
    assert times[-1] <= transcript.duration_s
    assert " ".join(segment.text for segment in transcript.segments) == transcript.text
    assert fractions == sorted(fractions)
    assert 0.8 < fractions[-1] <= 1


async def test_a_long_voice_worked_on_in_stretches_loses_nothing_at_the_seams(
    quick_engine: Whisper, voices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transcriber.windows.STRETCH_S", 12.0)
    transcript = await quick_engine.transcribe(voices / "en_60s.ogg", language="en")
    assert word_error_rate(said(voices, "en_60s.ogg"), transcript.text) < 0.15


@pytest.mark.parametrize("name", ["silence_5s.ogg", "noise_brown_10s.ogg"])
async def test_no_speech_is_an_empty_text_without_asking_the_model(name: str, engine: Whisper, voices: Path) -> None:
    transcript = await engine.transcribe(voices / name)
    assert (transcript.text, transcript.segments, transcript.language) == ("", (), "")
    assert transcript.duration_s > 4
    assert transcript.elapsed_s < 0.5  # one pass of the encoder alone takes 0.75 s


async def test_a_torn_voice_is_transcribed_as_far_as_it_goes(engine: Whisper, voices: Path) -> None:
    whole = (voices / "en_real_11s.ogg").read_bytes()
    transcript = await engine.transcribe(whole[: len(whole) // 2], announced_s=11)
    assert transcript.cut_short
    assert transcript.text.startswith("Had he married a more amiable woman")
    assert transcript.encoder_frames <= 4000  # a clip-sized window and, in doubt, one of 30 s; never again and again


@pytest.mark.parametrize("name", ["ru_3s.ogg", "en_real_3s.ogg"])
async def test_timestamps_on_demand_are_whispers_own_and_the_text_is_as_good(
    name: str, engine: Whisper, voices: Path
) -> None:
    transcript = await engine.transcribe(voices / name, timestamps=True)
    assert word_error_rate(said(voices, name), transcript.text) < 0.25
    assert transcript.segments
    assert transcript.segments[-1].end_s <= transcript.duration_s


async def test_a_hint_decides_where_the_note_itself_cannot(engine: Whisper, voices: Path) -> None:
    """A note too short to be sure follows the sender's language; a sure one does not."""
    with Sound(voices / "ru_m11s.ogg") as sound:
        short = await engine.transcribe(wav(next(sound.pieces(1.5))), hint=LanguageHint("uk", 0.9, 0.0))
    assert short.speech_s < SURE_SPEECH_S
    assert short.language == "uk"
    sure = await engine.transcribe(voices / "ru_3s.ogg", hint=LanguageHint("uk", 0.9, 0.0))
    assert sure.language == "ru"


async def test_words_that_may_come_up_are_spelled_as_given(quick_engine: Whisper, voices: Path) -> None:
    plain = await quick_engine.transcribe(voices / "en_real_25s.ogg")
    helped = await quick_engine.transcribe(voices / "en_real_25s.ogg", words="Dashwoode")
    assert "Mr. John Dashwood had" in plain.text
    assert "Mr. John Dashwoode had" in helped.text


async def test_a_thorough_transcription_takes_the_full_window(quick_engine: Whisper, voices: Path) -> None:
    transcript = await quick_engine.transcribe(voices / "en_3s.ogg", thorough=True)
    assert transcript.encoder_frames == 3000
    assert word_error_rate(said(voices, "en_3s.ogg"), transcript.text) == 0


async def test_what_remains_doubtful_says_so(engine: Whisper, voices: Path) -> None:
    """English decoded as Russian is no clear speech, whatever is tried."""
    assert not (await engine.transcribe(voices / "en_real_3s.ogg")).is_unsure
    assert (await engine.transcribe(voices / "en_real_3s.ogg", language="ru")).is_unsure


def test_a_transcript_of_an_earlier_version_can_be_read() -> None:
    old = {"text": "", "language": "", "language_probability": 0, "duration_s": 1, "elapsed_s": 1, "model": "base"}
    assert not Transcript.from_json(json.dumps({**old, "segments": []})).is_unsure


async def test_broken_media_and_unknown_languages_are_rejected(engine: Whisper, voices: Path) -> None:
    with pytest.raises(Rejected, match="media_unreadable"):
        await engine.transcribe(b"<html></html>" * 50)
    with pytest.raises(Rejected, match="language_unknown"):
        await engine.transcribe(voices / "en_3s.ogg", language="klingon")
    assert {"ru", "en", "uk"} < languages()


async def test_the_event_loop_stays_free_while_whisper_works(engine: Whisper, voices: Path) -> None:
    worst_s = 0.0
    work = asyncio.create_task(engine.transcribe(voices / "en_real_3s.ogg", language="en"))
    while not work.done():
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        worst_s = max(worst_s, time.perf_counter() - before)
    assert (await work).text
    assert worst_s < 0.25  # 5 ms when the machine is quiet; a transcription on the loop would take a second


async def test_work_ends_between_pieces_when_stopped_or_no_longer_awaited(quick_engine: Whisper, voices: Path) -> None:
    stop = threading.Event()
    asyncio.get_running_loop().call_later(0.3, stop.set)
    with pytest.raises(Interrupted):
        await quick_engine.transcribe(voices / "en_60s.ogg", language="en", stop=stop)
    task = asyncio.create_task(quick_engine.transcribe(voices / "en_60s.ogg", language="en"))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    before = time.perf_counter()
    await quick_engine.transcribe(voices / "silence_5s.ogg")
    assert time.perf_counter() - before < 5  # the abandoned one did not hold the thread


async def test_a_short_note_gets_past_a_long_voice(quick_engine: Whisper, voices: Path) -> None:
    with Sound(voices / "en_60s.ogg") as sound:
        minute = next(sound.pieces(60.0))
    begun = asyncio.Event()
    long = asyncio.create_task(
        quick_engine.transcribe(wav(np.tile(minute, 4)), on_progress=lambda fraction: begun.set())
    )
    await begun.wait()
    note = await quick_engine.transcribe(voices / "en_3s.ogg")
    assert not long.done()
    assert word_error_rate(said(voices, "en_3s.ogg"), note.text) == 0
    text = said(voices, "en_60s.ogg")
    assert word_error_rate(" ".join([text] * 4), (await long).text) < 0.15


async def test_voices_in_work_at_once_are_heard_as_each_alone(engine: Whisper, voices: Path) -> None:
    names = ["ru_3s.ogg", "en_3s.ogg", "ru_m11s.ogg", "en_real_11s.ogg"]
    alone = [await engine.transcribe(voices / name) for name in names]
    together = await asyncio.gather(*(engine.transcribe(voices / name) for name in names))
    assert [(each.text, each.language) for each in together] == [(each.text, each.language) for each in alone]


async def test_a_switch_during_work_hurts_nothing_and_a_failed_one_keeps_the_old_model(voices: Path) -> None:
    whisper = Whisper(ROOT)
    with pytest.raises(ModelUnavailable, match="model_not_loaded"):
        await whisper.transcribe(voices / "en_3s.ogg")
    await whisper.load("tiny.en")
    begun = asyncio.Event()
    work = asyncio.create_task(
        whisper.transcribe(voices / "en_60s.ogg", language="en", on_progress=lambda done: begun.set())
    )
    await begun.wait()
    await whisper.load("base")
    assert whisper.model == "base"
    before = await work
    assert before.model == "tiny.en"
    assert word_error_rate(said(voices, "en_60s.ogg"), before.text) < 0.15
    for name in ("no-such-model", "../../etc"):
        with pytest.raises(ModelUnavailable):
            await whisper.load(name)
    assert (await whisper.transcribe(voices / "en_real_3s.ogg", language="en")).model == "base"
    await whisper.close()
    with pytest.raises(Interrupted):
        await whisper.transcribe(voices / "en_3s.ogg")


async def test_weights_that_do_not_load_are_a_model_unavailable(tiny_weights: Path, tmp_path: Path) -> None:
    for file in tiny_weights.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[:100_000])  # the vocabulary, and model.bin torn off
    whisper = Whisper(tmp_path)
    with pytest.raises(ModelUnavailable, match="model_torn"):
        await whisper.load(str(tmp_path), trusted=True)
    assert whisper.model == ""
    await whisper.close()


def test_a_program_without_a_model_stays_small() -> None:
    program = (
        "import sys, psutil, transcriber.whisper, transcriber.files\n"
        "print(psutil.Process().memory_info().rss >> 20, 'faster_whisper' in sys.modules, 'onnxruntime' in sys.modules)"
    )
    root = Path(__file__).parent.parent
    out = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True).stdout
    megabytes, *imported = out.split()
    assert int(megabytes) < 100
    assert imported == ["False", "False"]
