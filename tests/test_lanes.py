"""Pieces side by side: what is urgent first, never more than there are lanes, errors to who asked."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from functools import partial

import pytest

from transcriber.lanes import YIELDS, Lanes, lanes_for


def test_the_next_piece_of_a_short_voice_goes_before_those_of_a_long_one() -> None:
    lanes, release, order = Lanes(1), threading.Event(), list[str]()
    lanes.submit(release.wait)
    for name in ("long 1", "short 1", "long 2", "short 2"):
        last = lanes.submit(partial(order.append, name), urgent=name.startswith("short"))
    release.set()
    lanes.close()
    assert last.done()
    assert order == ["short 1", "short 2", "long 1", "long 2"]


def test_a_long_voice_gets_its_turn_however_many_short_ones_come() -> None:
    lanes, release, order = Lanes(1), threading.Event(), list[str]()
    lanes.submit(release.wait)
    lanes.submit(partial(order.append, "long"), urgent=False)
    for _ in range(3 * YIELDS):
        lanes.submit(partial(order.append, "short"))
    release.set()
    lanes.close()
    assert order.index("long") in (YIELDS - 1, YIELDS)


def test_as_many_pieces_run_at_once_as_there_are_lanes() -> None:
    lanes, together = Lanes(3), threading.Barrier(3, timeout=5)
    assert [piece.result() for piece in [lanes.submit(together.wait) for _ in range(3)]]
    lanes.close()


def test_what_a_piece_raises_is_raised_where_its_result_is_asked_for_and_a_cancelled_one_never_runs() -> None:
    lanes, release, ran = Lanes(1), threading.Event(), list[int]()
    broken = lanes.submit(lambda: release.wait() and 1 // 0)
    cancelled = lanes.submit(lambda: ran.append(1))
    cancelled.cancel()
    release.set()
    with pytest.raises(ZeroDivisionError):
        broken.result()
    with pytest.raises(CancelledError):
        cancelled.result()
    lanes.close()
    assert not ran


def test_there_are_two_lanes_at_least_and_not_many() -> None:
    assert [lanes_for(threads) for threads in (1, 2, 3, 64)] == [2, 2, 3, 4]
