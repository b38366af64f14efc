"""The status page: a real server on a real Redis, seen by a browser and by a stranger."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from pathlib import Path

import pytest

from sandbox import Telegram
from tests.people import transcript, voice
from tests.stage import Stage
from tests.status_site import SAY, Inside, Site, a_day, free_port, site
from transcriber.charts import Series, chart
from transcriber.health import Level
from transcriber.voice import Person

__all__ = ["site"]
SECRET = "<b>секрет</b>"


@pytest.mark.parametrize("path", ["/", "/healthz", "/status", "/metrics", "/nothing"])
async def test_every_answer_forbids_scripts_frames_and_foreign_content(site: Inside, path: str) -> None:
    _, body, headers = await site.get(path)
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in headers
    assert not re.search(r"<script|https?://|\bon\w+=|style=", body)


async def test_no_transcript_no_name_and_no_number_of_a_chat_is_on_the_page(site: Inside) -> None:
    await site.state.track(Person(888_999, "Анна"))
    one = voice(777_123, chat_id=-100_555_777, sender_id=888_999)
    await site.state.accept(one)
    await site.state.keep_transcript(one.key, transcript(SECRET))
    await site.state.give_up(one, SECRET)
    site.journal.note("Whisper", ValueError(SECRET))  # a surprise may quote a chat
    await site.journal.write()
    for path in ("/", "/status", "/metrics", "/healthz"):
        body = (await site.get(path))[1]
        for private in ("секрет", "Анна", "777123", "555777", "888999"):
            assert private not in body, (path, private)
    assert "ValueError" in (await site.get("/"))[1]


async def test_what_comes_from_outside_is_escaped(site: Inside) -> None:
    site.health.telegram.set(Level.DOWN, "<img src=x onerror=alert(1)>")
    page = (await site.get("/"))[1]
    assert "<img" not in page
    assert "&lt;img" in page


async def test_the_running_program_counts_a_voice_and_shows_neither_its_text_nor_its_sender(
    tmp_path: Path, tiny_weights: Path, voices: Path
) -> None:
    port = free_port()
    async with Telegram() as telegram:
        stage = Stage(telegram, tmp_path, tiny_weights, STATUS_PORT=str(port), LANGUAGE="en")
        await stage.daemon.start(wait_for="The bot is running!")
        data = (voices / "en_real_3s.ogg").read_bytes()
        sent = stage.telegram.send_voice(stage.anna, stage.group, data, duration_s=3)
        text = await stage.answer(stage.group, sent)
        site = Site(port)
        deadline = time.monotonic() + 20
        while 'voices_total{outcome="text"} 1.0' not in (await site.get("/metrics"))[1]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        for path in ("/", "/status", "/metrics", "/healthz"):
            status, body, _ = await site.get(path)
            assert status == 200
            words = re.findall(r"\w{5,}", text.lower())
            private = {*words, "Анна", "anna_t", "family", str(stage.anna.id), str(stage.owner.id)}
            assert [one for one in private if one in body] == [], path
        assert await stage.daemon.stop() == 0


def test_a_chart_is_as_high_as_its_highest_hour_and_nothing_is_outside() -> None:
    picture = chart("Voices", [Series("a", [0, 3, 10]), Series("b", [0, 1, 7])], 1_700_000_000.0)
    bars = re.findall(r'<rect class="\w+" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', picture)
    assert len(bars) == 4
    assert all(float(y) >= 8 and float(y) + float(height) <= 70.1 for _, y, _, height in bars)
    assert ">20<" in picture  # 17, rounded up


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


async def _browse(folder: Path, *arguments: str) -> str:
    """What a headless Chromium prints; a new profile each time."""
    assert CHROMIUM
    quiet = ("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update")
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-sync", "--hide-scrollbars", *quiet)
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *options,
        "--enable-logging=stderr",
        f"--user-data-dir={folder / 'profile'}",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), 50)
    console = [line for line in errors.decode().splitlines() if "CONSOLE" in line]
    assert console == [], console
    return output.decode()


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium")
@pytest.mark.parametrize(("width", "height"), [(390, 1900), (1000, 860)])
async def test_a_real_browser_shows_the_page_on_a_phone_and_on_a_screen(
    site: Inside, tmp_path: Path, width: int, height: int
) -> None:
    """Also: no message of the browser's console, such as about the content policy."""
    await a_day(site)
    dom = await _browse(tmp_path, "--dump-dom", site.url + "/")
    assert SAY("health_ok", count=1) in dom
    assert dom.count("<svg") >= 3
    assert SAY("media_unreadable") in dom
    picture = tmp_path / "page.png"
    await _browse(tmp_path, f"--window-size={width},{height}", f"--screenshot={picture}", site.url + "/")
    assert picture.stat().st_size > 10_000
