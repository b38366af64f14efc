"""A few at a time, the oldest first; and tasks that end for certain."""

from __future__ import annotations

import asyncio

import pytest

from tests.stage import until
from transcriber.tasks import Background, end
from transcriber.turns import Turns


async def test_the_oldest_waiter_goes_first_and_never_two_at_once() -> None:
    turns, order, inside = Turns(), list[int](), 0

    async def work(age: int) -> None:
        nonlocal inside
        async with turns.turn(age):
            inside += 1
            assert inside == 1
            await asyncio.sleep(0)
            order.append(age)
            inside -= 1

    async with asyncio.TaskGroup() as group:
        for age in (5, 9, 2, 7, 1):
            group.create_task(work(age))
    assert order == [5, 1, 2, 7, 9]


async def test_long_work_leaves_the_other_places_to_what_is_short() -> None:
    turns, inside = Turns(3), set[str]()
    release = {name: asyncio.Event() for name in ("long 1", "long 2", "short 3", "short 4", "short 5")}

    async def work(name: str) -> None:
        async with turns.turn(float(name[-1]), is_long=name.startswith("long")):
            inside.add(name)
            await release[name].wait()
        inside.remove(name)

    async with asyncio.TaskGroup() as group:
        for name in release:
            group.create_task(work(name))
        await until(lambda: inside == {"long 1", "short 3", "short 4"})
        release["short 3"].set()
        await until(lambda: inside == {"long 1", "short 4", "short 5"})
        release["long 1"].set()
        await until(lambda: inside == {"long 2", "short 4", "short 5"})
        for event in release.values():
            event.set()


async def test_a_waiter_that_is_cancelled_passes_its_turn_on() -> None:
    turns, done = Turns(), list[int]()
    release = asyncio.Event()

    async def work(age: int) -> None:
        async with turns.turn(age):
            await release.wait()
            done.append(age)

    tasks = [asyncio.create_task(work(age)) for age in range(4)]
    await until(lambda: len(turns._waiting) == 3)
    release.set()
    await asyncio.sleep(0)
    await end(tasks[1])
    await asyncio.wait_for(asyncio.gather(tasks[0], tasks[2], tasks[3]), 2)
    assert done in ([0, 2, 3], [0, 1, 2, 3])


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 3:
                    raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await end(task)
    assert task.cancelled()


async def test_a_surprise_in_the_background_is_logged_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    background, ran = Background(), asyncio.Event()

    async def fails() -> None:
        ran.set()
        raise ValueError("?")

    background(fails())
    await ran.wait()
    await until(lambda: "ValueError" in caplog.text)
    await background.end()
