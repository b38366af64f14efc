"""The `transcribe` subcommand on real files: what is printed, what is written, and what is said about bad ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.weights import ROOT
from transcriber.captions import as_json, srt, vtt
from transcriber.files import Format, transcribe_files
from transcriber.texts import Words
from transcriber.voice import Segment, Transcript
from transcriber.whisper import Whisper

SAY = Words("en")
CUES = (
    Segment(0.0, 1.2345, "Hello & <goodbye>"),
    Segment(1.2345, 3.0, "an --> arrow\n\nand a gap"),
    Segment(3.0, 3.0, " "),
    Segment(3723.9996, 3725.5, "late"),
)
TRANSCRIPT = Transcript("Hello", "en", 0.98765, 3726.0, 1.5, "base", CUES)


async def run(
    files: list[Path],
    engine: Whisper,
    format: Format = Format.JSON,
    output: Path | None = None,
    *,
    language: str | None = "en",
    model: str = "tiny.en",
) -> int:
    """The exit code of the subcommand on `files`."""
    return await transcribe_files(
        files, engine=engine, model=model, language=language, format=format, output=output, say=SAY
    )


def test_srt_is_numbered_with_commas_and_no_arrow_in_its_text() -> None:
    assert srt(TRANSCRIPT) == (
        "1\n00:00:00,000 --> 00:00:01,234\nHello & <goodbye>\n\n"
        "2\n00:00:01,234 --> 00:00:03,000\nan → arrow and a gap\n\n"
        "3\n01:02:04,000 --> 01:02:05,500\nlate\n\n"
    )


def test_vtt_has_its_header_points_and_escapes() -> None:
    assert vtt(TRANSCRIPT) == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:01.234\nHello &amp; &lt;goodbye&gt;\n\n"
        "00:00:01.234 --> 00:00:03.000\nan → arrow and a gap\n\n"
        "01:02:04.000 --> 01:02:05.500\nlate\n\n"
    )


def test_json_is_a_list_with_every_field() -> None:
    (entry,) = json.loads(as_json([("a.ogg", TRANSCRIPT)]))
    assert entry["segments"][1] == {"start_s": 1.2345, "end_s": 3.0, "text": "an --> arrow\n\nand a gap"}
    assert {key: entry[key] for key in entry if key != "segments"} == {
        "file": "a.ogg",
        "text": "Hello",
        "language": "en",
        "language_probability": 0.9877,
        "duration_s": 3726.0,
        "elapsed_s": 1.5,
        "model": "base",
        "cut_short": False,
    }


async def test_bad_files_have_one_line_each_and_the_good_ones_are_done(
    quick_engine: Whisper, voices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, page, torn = tmp_path / "empty.ogg", tmp_path / "page.ogg", tmp_path / "torn.ogg"
    empty.touch()
    page.write_text("<html>" * 100)
    whole = (voices / "en_real_11s.ogg").read_bytes()
    torn.write_bytes(whole[: len(whole) // 2])
    good = [voices / "en_real_3s.ogg", torn, voices / "silence_5s.ogg"]
    code = await run([empty, good[0], page, tmp_path / "nothing.ogg", *good[1:], tmp_path], quick_engine)
    out, err = capsys.readouterr()
    assert code == 1
    entries = json.loads(out)
    assert [entry["file"] for entry in entries] == [str(path) for path in good]
    assert "young man" in entries[0]["text"]
    assert entries[1]["cut_short"]
    assert entries[2]["text"] == ""
    lines = err.splitlines()
    assert len(lines) == 6
    for path, key in [(empty, "media_empty"), (page, "media_unreadable"), (tmp_path, "media_is_folder")]:
        assert f"{path}: {SAY(key)}" in lines
    assert any(line.startswith(f"{torn}: ⚠️") for line in lines)


async def test_with_a_folder_each_file_has_its_own_and_nothing_leaves_it(
    quick_engine: Whisper, voices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two notes with one name do not overwrite each other, and a link in the folder is not followed."""
    other, out, precious = tmp_path / "other", tmp_path / "new" / "out", tmp_path / "precious.txt"
    other.mkdir()
    out.mkdir(parents=True)
    precious.write_text("mine")
    (out / "silence_5s.txt").symlink_to(precious)
    shutil.copy(voices / "en_real_3s.ogg", other / "SILENCE_5s.ogg")
    assert await run([voices / "silence_5s.ogg", other / "SILENCE_5s.ogg"], quick_engine, Format.TEXT, out) == 0
    assert precious.read_text() == "mine"
    assert (out / "silence_5s.txt").read_text() == "\n"
    assert "young man" in (out / "SILENCE_5s-2.txt").read_text()
    assert len(list(out.iterdir())) == 2
    assert capsys.readouterr().out == ""


async def test_one_text_is_printed_bare_and_several_under_their_names(
    quick_engine: Whisper, voices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    voice = voices / "en_real_3s.ogg"
    assert await run([voice], quick_engine, Format.TEXT) == 0
    text = capsys.readouterr().out
    assert "young man" in text
    assert await run([voice, voices / "silence_5s.ogg"], quick_engine, Format.TEXT) == 0
    assert capsys.readouterr().out == f"{voice}:\n{text}{voices / 'silence_5s.ogg'}:\n\n"


async def test_what_cannot_be_done_is_one_sentence_before_any_work(
    voices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unloaded = Whisper(ROOT)
    voice = voices / "en_real_3s.ogg"
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    assert await run([voice], unloaded, language="klingon") == 1
    assert await run([voice, voice], unloaded, Format.SRT) == 1
    assert await run([voice], unloaded, Format.SRT, in_the_way) == 1
    assert await run([voice], unloaded, model="no-such-model") == 1
    assert unloaded.model == ""
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split(" ")[0] for line in err.splitlines()] == ["❌"] * 4
    await unloaded.close()


async def test_a_file_name_gives_the_terminal_no_orders(
    engine: Whisper, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Escape sequences, line ends and turned writing in a name are spelled out."""
    assert await run([tmp_path / "\x1b]0;x\x07\n❌ forged\u202e.ogg"], engine) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.rstrip("\n").isprintable()
    assert "\\x1b]0;x\\x07\\n❌ forged\\u202e.ogg" in told
