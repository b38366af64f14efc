"""The stages of a voice's way: each brings one there and holds it, so that a fault can strike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.faults.scene import LONG, Said, Scene
from tests.stage import until

HELD_S = 1.0  # long enough to strike, short enough to go on after a fault that the voice survives in place


async def waiting(scene: Scene) -> None:
    """Two voices: one downloads, the other waits for it."""
    await downloading(scene)
    await accepted(scene, scene.say())


async def downloading(scene: Scene) -> None:
    """The file has been asked for, and has not come."""
    before = scene.telegram.call_count("upload.GetFile")
    scene.faults.delay("upload.GetFile", HELD_S, count=1)
    scene.say()
    await until(lambda: scene.telegram.call_count("upload.GetFile") > before, "a download")


async def transcribing(scene: Scene) -> None:
    """Whisper is at it."""
    said = scene.say(LONG)
    await scene.until_redis(lambda starts: starts, "HGET", f"vt:voice:{scene.key(said)}", "starts")


async def transcript_kept(scene: Scene) -> None:
    """The text is in Redis, and on its way to the chat."""
    before = scene.sends()
    scene.faults.delay("messages.SendMessage", HELD_S, count=1)
    said = scene.say()
    await until(lambda: scene.sends() > before, "a reply on its way")
    assert await scene.in_redis("EXISTS", f"vt:transcript:{scene.key(said)}")


async def first_part_of_three_sent(scene: Scene) -> None:
    """A long text is half told."""
    scene.faults.delay("messages.SendMessage", HELD_S / 2)
    said = await scene.say_with_text()
    assert said.parts == 3
    await until(lambda: len(scene.answers(said)) == 1, "the first part")


async def sent_but_not_marked(scene: Scene) -> None:
    """The answer is in the chat, but the program has not heard so."""
    scene.faults.lose_answer("messages.SendMessage")
    said = await scene.say_with_text("All there is to say.")
    await until(lambda: scene.answers(said), "the answer")


async def accepted(scene: Scene, said: Said) -> None:
    """On the books."""
    await scene.until_redis(lambda there: there, "HEXISTS", "vt:accepted", scene.key(said))


STAGES: list[Callable[[Scene], Awaitable[None]]] = [
    waiting,
    downloading,
    transcribing,
    transcript_kept,
    first_part_of_three_sent,
    sent_but_not_marked,
]
