"""What was missed is found in the history, once, oldest first."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.people import ANNA, BORIS, GROUP, FakeChat, voice
from tests.stage import until
from transcriber.catchup import CatchUp
from transcriber.errors import Lost, Refused
from transcriber.intake import Intake
from transcriber.state import State
from transcriber.tasks import end
from transcriber.voice import Person, Voice

DAY_S = 86_400.0


async def nothing() -> None:
    return None


class Desk:
    """Catch-up with a history to read and a queue to fill."""

    def __init__(self, state: State, max_age_s: float = 7 * DAY_S) -> None:
        self.chat, self.state = FakeChat(), state
        self.taken: list[Voice] = []
        self.intake = Intake(state, self._enqueue, lambda: None)
        self.catch_up = CatchUp(
            self.chat,
            state,
            self.intake.offer,
            before=nothing,
            max_age_s=max_age_s,
            interval_s=60,
            page_pause_s=0,
        )

    async def _enqueue(self, voice: Voice) -> None:
        self.taken.append(voice)

    async def track(self, *users: int) -> None:
        for user in users:
            await self.state.track(Person(user, str(user)))
        await self.intake.reload()


@pytest.fixture
async def desk(state: State) -> Desk:
    desk = Desk(state)
    await desk.track(ANNA)
    return desk


async def test_voices_that_came_while_away_are_taken_oldest_first(desk: Desk) -> None:
    desk.chat.histories[ANNA] = [voice(i) for i in range(1, 6)]
    assert await desk.catch_up.scan() == 5
    assert [v.message_id for v in desk.taken] == [1, 2, 3, 4, 5]


async def test_a_second_scan_starts_where_the_first_one_ended(desk: Desk) -> None:
    desk.chat.histories[ANNA] = [voice(1), voice(2)]
    await desk.catch_up.scan()
    desk.chat.histories[ANNA].append(voice(3))
    assert await desk.catch_up.scan() == 1
    assert desk.chat.history_calls == [(ANNA, 0), (ANNA, 2)]


async def test_a_scan_that_broke_off_starts_again_from_its_beginning(desk: Desk) -> None:
    desk.chat.page = 2
    desk.chat.histories[ANNA] = [voice(i) for i in range(1, 5)]

    async def cut(v: Voice) -> bool:
        if v.message_id == 3:
            raise Lost("network_error", error="x")
        return await desk.intake.offer(v)

    broken = CatchUp(desk.chat, desk.state, cut, before=nothing, max_age_s=DAY_S, interval_s=60, page_pause_s=0)
    with pytest.raises(Lost):
        await broken.scan()
    assert await desk.state.cursor(ANNA) == 0
    await desk.catch_up.scan()
    assert sorted({v.message_id for v in desk.taken}) == [1, 2, 3, 4]


async def test_a_live_voice_does_not_move_the_cursor_over_a_missed_one(desk: Desk) -> None:
    desk.chat.histories[ANNA] = [voice(1), voice(2)]
    await desk.intake.on_voice(voice(2))
    await desk.catch_up.scan()
    assert [v.message_id for v in desk.taken if v.message_id == 1] == [1]


async def test_a_voice_that_has_its_outcome_is_not_taken_again(desk: Desk) -> None:
    done = voice(1)
    await desk.state.accept(done)
    await desk.state.close(done, "text")
    desk.chat.histories[ANNA] = [done]
    assert await desk.catch_up.scan() == 0


async def test_voices_over_the_maximum_age_are_left_alone(desk: Desk) -> None:
    desk.chat.histories[ANNA] = [voice(1, sent_at=time.time() - 8 * DAY_S), voice(2, sent_at=time.time() - DAY_S)]
    await desk.catch_up.scan()
    assert [v.message_id for v in desk.taken] == [2]


async def test_a_maximum_age_of_zero_skips_what_came_before_the_start(state: State) -> None:
    desk = Desk(state, max_age_s=0)
    await desk.track(ANNA)
    desk.chat.histories[ANNA] = [voice(1, sent_at=time.time() - 60), voice(2, sent_at=time.time() + 1)]
    await desk.catch_up.scan()
    assert [v.message_id for v in desk.taken] == [2]


async def test_groups_where_somebody_tracked_was_seen_are_read_too(desk: Desk) -> None:
    await desk.intake.on_voice(voice(1, chat_id=GROUP))
    desk.chat.histories[GROUP] = [
        voice(1, chat_id=GROUP),
        voice(2, chat_id=GROUP),
        voice(3, chat_id=GROUP, sender_id=BORIS),
    ]
    await desk.catch_up.scan()
    assert {(v.chat_id, v.message_id) for v in desk.taken} == {(GROUP, 1), (GROUP, 2)}


async def test_a_chat_that_cannot_be_read_does_not_stop_the_others(desk: Desk) -> None:
    await desk.track(BORIS)
    desk.chat.histories[BORIS] = [voice(1, chat_id=BORIS, sender_id=BORIS)]
    desk.chat.trouble["history"] = [Refused("PEER_ID_INVALID")]  # for Anna's chat, which comes first
    assert await desk.catch_up.scan() == 1


async def test_a_look_is_taken_when_asked_and_after_trouble_once_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transcriber.catchup._RETRY_S", 0.05)
    desk.chat.histories[ANNA] = [voice(1)]
    desk.chat.trouble["history"] = [Lost("network_error", error="x")]
    running = asyncio.create_task(desk.catch_up.run())
    desk.catch_up.ask()
    await until(lambda: desk.taken)
    assert len(desk.chat.history_calls) >= 2
    await end(running)


async def test_many_quiet_chats_are_read_with_pauses_between(desk: Desk) -> None:
    await desk.track(*range(1_001, 1_041))
    slow = CatchUp(
        desk.chat, desk.state, desk.intake.offer, before=nothing, max_age_s=DAY_S, interval_s=60, page_pause_s=3600
    )
    scan = asyncio.create_task(slow.scan())
    await until(lambda: len(desk.chat.history_calls) > 10, "the calls without a pause")
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(desk.chat.history_calls) == 11
    await end(scan)
