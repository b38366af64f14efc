"""The demo: its drawings, and once the whole of it as its own process."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import psutil
import pytest
from rich.cells import cell_len

from demo.bubbles import BARS, Bubble, Divider, clock, loudness
from demo.picture import WIDTH, picture, wrapped
from demo.terminal import draw, open_console
from demo.words import DemoWords
from tests.stage import ROOT, until
from tests.weights import weights

VOICE = Bubble(bars=tuple(index % 8 for index in range(BARS)), duration_s=71)
ANSWER = Bubble("Привет! 👋 Как дела?", own=True, reply_to="Голосовое сообщение, 1:11", took="через 1,2 с")
SVG = "{http://www.w3.org/2000/svg}"


def _drawn(item: Bubble | Divider, width: int = 80, encoding: str = "utf-8") -> list[str]:
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    console = open_console(stream)
    console.width = width
    console.print(draw(item, console))
    stream.flush()
    stream.seek(0)
    return stream.read().splitlines()


def test_an_answer_stands_on_the_right_with_its_text_and_time() -> None:
    lines = _drawn(ANSWER)
    assert "Голосовое сообщение, 1:11" in lines[1]
    assert "Привет! 👋 Как дела?" in lines[2]
    assert lines[-1].endswith("через 1,2 с ─╯")
    assert lines[0].startswith(" " * 20)


def test_a_voice_stands_on_the_left_with_its_waveform_and_length() -> None:
    lines = _drawn(VOICE)
    assert lines[0].startswith("╭")
    assert "▁▂▃▄▅▆▇█" in lines[1]
    assert "1:11" in lines[1]


@pytest.mark.parametrize("width", [12, 24, 40, 200])
@pytest.mark.parametrize("item", [VOICE, ANSWER, Divider("Саша")])
def test_no_line_is_wider_than_the_console(item: Bubble | Divider, width: int) -> None:
    assert all(cell_len(line) <= width for line in _drawn(item, width))


def test_a_console_without_unicode_gets_letters_it_can_print() -> None:
    for item in (VOICE, ANSWER, Divider("Sasha")):
        assert "\n".join(_drawn(item, encoding="ascii")).isascii()
    assert "> _.-:=+*#" in _drawn(VOICE, encoding="ascii")[1]


def test_a_folded_text_shows_only_its_beginning() -> None:
    long = "слово " * 300
    assert Bubble(long, folded=True).shown.endswith("слово …")
    assert len(Bubble(long, folded=True).shown) < 210
    assert Bubble(long).shown == long


def test_text_from_speech_is_never_taken_for_markup() -> None:
    said = "[red]a[/red] <b>&amp;</b> :smile:"
    assert said in "\n".join(_drawn(Bubble(said)))
    texts = [element.text for element in ET.fromstring(picture([Bubble(said)])).iter(f"{SVG}text")]
    assert texts == [said]


def test_the_picture_holds_every_message_and_asks_nobody_for_anything() -> None:
    svg = picture([Divider("Саша"), VOICE, ANSWER])
    texts = [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]
    assert texts == ["Саша", "1:11", ANSWER.reply_to, ANSWER.text, ANSWER.took]
    assert re.findall(r"https?://\S+?(?=\")", svg) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<(script|image|style)|href|url\(", svg)


def test_every_bubble_of_the_picture_lies_inside_it() -> None:
    root = ET.fromstring(picture([VOICE, ANSWER, Bubble("слово " * 200, own=True)]))
    for group in root.iter(f"{SVG}g"):
        x = float(re.findall(r"[\d.]+", group.get("transform", ""))[0])
        plates = [float(plate.get("width", 0)) for plate in group.findall(f"{SVG}rect")]
        assert all(x >= 0 and x + width <= WIDTH for width in plates)


def test_wrapping_keeps_every_word_and_line() -> None:
    assert wrapped("a b\n\nc", 1000) == ["a b", "", "c"]
    assert " ".join(wrapped("один два три четыре пять", 60)).split() == ["один", "два", "три", "четыре", "пять"]


def test_loudness_is_flat_for_silence_and_for_what_is_no_sound(voices: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.ogg"
    broken.write_bytes(b"no sound")
    assert set(loudness(broken)) == set(loudness(voices / "silence_5s.ogg")) == {0}
    assert max(loudness(voices / "en_real_3s.ogg")) == 7


def test_times_are_written_as_people_write_them() -> None:
    assert (clock(5), clock(71.9)) == ("0:05", "1:11")
    assert (DemoWords("ru").after(1.24), DemoWords("en").after(0.0421)) == ("через 1,2 с", "after 0.04 s")


async def _demo(*arguments: str, **env: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "demo", *arguments),
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


@pytest.mark.timeout(180)
async def test_the_demo_ends_well_on_a_console_without_unicode(tmp_path: Path) -> None:
    """The unmodified daemon answers all six, and nothing else is printed, as by warnings or tracebacks."""
    weights("base")
    svg = tmp_path / "chat.svg"
    process = await _demo("--language", "en", "--svg", str(svg), PYTHONIOENCODING="ascii")
    printed = (await process.communicate())[0].decode("ascii")
    assert process.returncode == 0, printed
    assert re.fullmatch(
        r"\? Answers: 6 of 6, wrong words: \d+ % \(limit 35 %\), \d+ s in all", printed.splitlines()[-1]
    )
    assert "Traceback" not in printed
    assert "Warning" not in printed
    assert "No speech heard" in svg.read_text("utf-8")


async def test_a_demo_ended_with_ctrl_c_leaves_no_process_behind() -> None:
    process = await _demo("--language", "en")
    demo = psutil.Process(process.pid)
    await until(lambda: any("redis-server" in " ".join(_command(p)) for p in demo.children(recursive=True)), "Redis")
    family = demo.children(recursive=True)
    process.send_signal(signal.SIGINT)
    printed = (await process.communicate())[0].decode()
    assert process.returncode == 130, printed
    assert "Traceback" not in printed
    await until(lambda: not any(child.is_running() and child.status() != "zombie" for child in family), "their end")


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
