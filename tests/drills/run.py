"""The drills, one after another on the same volumes; each writes what was seen into the table."""

from __future__ import annotations

import asyncio
import io
import time
import urllib.request
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sandbox import Account, Telegram
from sandbox.seen import SentId
from tests.drills.containers import PROJECT, Containers, Failed, sh, until
from transcriber.media import RATE, Sound

VOICES = Path(__file__).parents[1] / "voices"
SHORT = (VOICES / "en_real_3s.ogg").read_bytes()
MINUTES = 8
PHONE, CODE = "79990000001", "22222"
LOGIN = "docker-compose run --rm userbot login"
NAMES = ("health", "memory", "network", "stop", "kill", "update", "session")


class Drills:
    """A Telegram, two people, and the containers of one of them."""

    def __init__(
        self, telegram: Telegram, owner: Account, anna: Account, containers: Containers, seen: dict[str, str]
    ) -> None:
        self.telegram, self.owner, self.anna, self.containers, self.seen = telegram, owner, anna, containers, seen
        self.voices: list[SentId] = []
        self._minutes = _minutes()

    async def run(self, names: Sequence[str]) -> None:
        """The drills of these names, in the order of NAMES; the first start always. Raises Failed."""
        await self.containers.compose("build")
        await self.first_start()
        for name in NAMES:
            if name in names:
                await getattr(self, name)()
        self.seen["voices sent"] = str(len(self.voices))
        self.seen["lost"] = str(sum(not self.answers(voice) for voice in self.voices))
        self.seen["answered twice"] = str(sum(self.answers(voice) > 1 for voice in self.voices))

    # --- the drills ---
    async def first_start(self) -> None:
        """Nobody has signed in: it waits, quietly; then a sign-in beside it is all it needs."""
        await self.containers.up()
        waiting = await self.containers.line("⏸")
        _hold(LOGIN in (await self.containers.log())[waiting - 2], "the log names the command to run")
        _hold(LOGIN in await self._health(), "`health` names it too")
        where, program = f"{self.telegram.host}:{self.telegram.port}", ("python", "-m", "sandbox.run")
        sandbox = ("-v", f"{self.containers.folder / 'sandbox'}:/app/sandbox:ro", "--entrypoint", " ".join(program))
        began = time.monotonic()
        await self.containers.compose(
            "run", "--rm", "-T", *sandbox, "userbot", where, "/app/userbot.py", "login", stdin=f"{PHONE}\n{CODE}\n"
        )
        self.seen["signing in beside it"] = _seconds(began)
        began = time.monotonic()
        await self.containers.line("✅ Бот запущен!")
        self.seen["from the sign-in to running"] = _seconds(began)
        _hold(await self.containers.state(".RestartCount") == "0", "no restarts")
        await self.answered(self.say())

    async def health(self) -> None:
        """A fresh start becomes healthy, and the published port shows it."""
        await self.containers.compose("down")
        began = time.monotonic()
        await self.containers.up()
        await self.containers.line("✅ Бот запущен!")
        self.seen["`up -d` to running"] = _seconds(began)

        async def healthy() -> bool:
            return await self.containers.state(".State.Health.Status") == "healthy"

        await until(healthy, lambda: "a healthy container")
        self.seen["`up -d` to healthy (the check runs every 60 s)"] = _seconds(began)
        address = (await self.containers.compose("port", "userbot", "9001")).strip()
        _hold(address.startswith("127.0.0.1:"), "the port is open on this machine only")
        for path, sign in {
            "/healthz": "в очереди: 0",
            "/status": '"parts"',
            "/metrics": "part_up",
            "/": "<html",
        }.items():
            page = await asyncio.to_thread(_page, f"http://{address}{path}")
            _hold(sign in page, f"{path} says {sign}")

    async def memory(self) -> None:
        """Idle, and while a minute of speech is transcribed."""
        self.seen["memory idle, MB"] = f"{await self.containers.memory_mb():.0f}"
        self.seen["memory of Redis, MB"] = f"{await self.containers.memory_mb('redis'):.0f}"
        voice, most = self.say(next(self._minutes)), 0.0
        while not self.answers(voice):
            most = max(most, await self.containers.memory_mb())
        self.seen["memory under load, MB"] = f"{most:.0f}"

    async def network(self) -> None:
        """The cable is pulled while a voice is being sent, and plugged in again a minute later."""
        network, container = f"{PROJECT}_default", await self.containers.id()
        lines = len(await self.containers.log())
        await sh("docker", "network", "disconnect", network, container)
        voice, began = self.say(), time.monotonic()
        for text in ("⚠️ Отключено от Telegram", "⚠️ Сетевая ошибка: ", "🔄 Переподключение через 5 секунд..."):
            lines = await self.containers.line(text, lines)
        self.seen["network cut to noticed"] = _seconds(began)
        lines = await self.containers.line("🔄 Переподключение через 10 секунд...", lines)
        await sh("docker", "network", "connect", network, container)
        began = time.monotonic()
        for text in ("🔄 Подключаюсь к Telegram...", "✅ Подключено к Telegram", "✅ Бот запущен!"):
            lines = await self.containers.line(text, lines)
        self.seen["network back to connected"] = _seconds(began)
        await self.answered(voice)
        self.seen["network back to the answer of a voice sent meanwhile"] = _seconds(began)

    async def stop(self) -> None:
        """`stop` ends within its grace and in order; the next start goes on."""
        lines = len(await self.containers.log())
        voices = await self._in_hand()
        began = time.monotonic()
        await self.containers.compose("stop", "userbot")
        self.seen["`stop` with voices in hand"] = _seconds(began)
        _hold(not all(map(self.answers, voices)), "something was left for the next start")
        for text in (
            "🛑 Получен сигнал 15",
            "🛑 Остановка по запросу",
            "🛑 Отключен от Telegram",
            "✅ Голосовой транскрибер",
        ):
            lines = await self.containers.line(text, lines)
        _hold(await self.containers.state(".State.ExitCode") == "0", "exit code 0")
        await self.containers.up()
        await self.answered(*voices)

    async def kill(self) -> None:
        """SIGKILL in the middle of the work."""
        container = await self.containers.id()
        voices = await self._in_hand()
        await sh("docker", "kill", "-s", "KILL", container)
        _hold(not all(map(self.answers, voices)), "it was killed at work")
        began = time.monotonic()
        await self.containers.up()
        await self.answered(*voices)
        self.seen["`kill -s KILL` and `up -d` to all answered"] = _seconds(began)

    async def update(self) -> None:
        """Another image while voices are in work and wait."""
        before = await self.containers.state(".Image")
        with (self.containers.folder / "userbot.py").open("a") as program:
            program.write("# another version\n")
        await self.containers.compose("build")
        voices = await self._in_hand()
        began = time.monotonic()
        await self.containers.up()
        _hold(await self.containers.state(".Image") != before, "another image")
        await self.answered(*voices)
        self.seen["`up -d` with another image to all answered"] = _seconds(began)

    async def session(self) -> None:
        """Telegram ends the session: said once, nothing tried again, nothing restarted."""
        self.telegram.faults.revoke(self.owner, "SESSION_REVOKED")
        await self.containers.line("⏸")
        calls = len(self.telegram.calls)
        _hold(LOGIN in await self._health(), "`health` names the command to run")
        _hold(await self.containers.state(".RestartCount") == "0", "no restarts")
        _hold(len(self.telegram.calls) == calls, "no attempt to sign in")
        began = time.monotonic()
        await self.containers.compose("stop", "userbot")
        self.seen["`stop` while it waits for a sign-in"] = _seconds(began)

    # --- what they are made of ---
    def say(self, data: bytes = SHORT) -> SentId:
        """Anna sends a voice."""
        self.voices.append(self.telegram.send_voice(self.anna, self.owner, data, duration_s=3))
        return self.voices[-1]

    def answers(self, voice: SentId) -> int:
        """How often it was answered."""
        messages = self.telegram.messages(self.owner, self.anna)
        return sum(m.sender_id == self.owner.id and m.reply_to == voice.seen_by(self.owner) for m in messages)

    async def answered(self, *voices: SentId) -> None:
        """Wait for the answers."""

        async def found() -> bool:
            return all(map(self.answers, voices))

        await until(found, lambda: "an answer")

    async def _in_hand(self) -> list[SentId]:
        """Several minutes of speech, the first of which has just been fetched: more than a stop waits for."""
        fetched = self.telegram.call_count("upload.GetFile")

        async def begun() -> bool:
            return self.telegram.call_count("upload.GetFile") > fetched

        voices = [self.say(next(self._minutes)) for _ in range(MINUTES)]
        await until(begun, lambda: "a download")
        return voices

    async def _health(self) -> str:
        try:
            return await self.containers.compose("exec", "-T", "userbot", "python", "userbot.py", "health")
        except Failed as not_well:
            return str(not_well)


def _minutes() -> Iterator[bytes]:
    """A minute of speech again and again, each time a little shorter: a sound heard before is not transcribed again."""
    with Sound(VOICES / "en_60s.ogg") as sound:
        samples = (np.concatenate(list(sound.pieces())) * 32767).astype("<i2")
    for times in range(100):
        file = io.BytesIO()
        with wave.open(file, "wb") as wav:
            wav.setnchannels(1)
            wav.setsampwidth(2)
            wav.setframerate(RATE)
            wav.writeframes(samples[times * RATE // 10 :].tobytes())
        yield file.getvalue()


def _page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as reply:
        return str(reply.read().decode())


def _hold(fact: bool, what: str) -> None:
    if not fact:
        raise Failed(f"not true: {what}")


def _seconds(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s"


async def play(folder: Path, weights: Path, names: Sequence[str], seen: dict[str, str]) -> None:
    """The drills of these names; what was `seen` is written there as it is seen. Raises Failed."""
    gateway = await sh("docker", "network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Gateway}}")
    telegram = Telegram()
    telegram.host, telegram.dc_id = gateway.strip(), 4  # a sign-in at another data centre leaves its address behind
    async with telegram:
        owner = telegram.add_account("Owner", username="owner_t", phone=PHONE)
        anna = telegram.add_account("Anna", username="anna_t")
        containers = Containers(folder, weights, TRACKED_USERS=str(anna.id), LANGUAGE="ru")
        drills = Drills(telegram, owner, anna, containers, seen)
        await containers.remove()
        try:
            await drills.run(names)
        except Failed as error:
            raise Failed(f"{error}\n{await _last_words(containers)}") from error
        finally:
            await containers.remove()
        size_bytes = int(await sh("docker", "image", "inspect", "-f", "{{.Size}}", PROJECT))
        seen["image, MB"] = str(size_bytes // 10**6)


async def _last_words(containers: Containers) -> str:
    try:
        return "\n".join((await containers.log())[-30:])
    except (Failed, IndexError):
        return "(no container)"
