"""Packing speech into windows: nothing lost, nothing too long, cut in the longest pause."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np

from transcriber.hearing import batch_s, batches
from transcriber.media import RATE
from transcriber.windows import JOIN_S, PIECE_S, SPARE_S, WINDOW_S, Chunk, Window, joined, packed

ROOT = Path(__file__).parents[1]


def chunk(start_s: float, end_s: float) -> Chunk:
    return {"start": int(start_s * RATE), "end": int(end_s * RATE)}


def test_windows_hold_all_speech_in_order_and_none_is_too_long() -> None:
    dice = random.Random(4)
    for _ in range(50):
        at_s, chunks = 0.0, []
        for _ in range(dice.randrange(1, 60)):
            start_s = at_s + dice.uniform(0, 4)
            at_s = start_s + dice.uniform(0.3, WINDOW_S)
            chunks.append(chunk(start_s, at_s))
        groups = packed(chunks)
        assert [each for group in groups for each in group] == chunks
        for group in groups:
            assert sum(span["end"] - span["start"] for span in joined(group)) <= WINDOW_S * RATE


def test_a_window_ends_at_the_longest_of_its_last_pauses() -> None:
    chunks = [chunk(0, 13), chunk(13.2, 14.5), chunk(16, 16.5), chunk(16.6, 31)]
    assert packed(chunks) == [chunks[:2], chunks[2:]]


def test_a_minute_is_cut_into_equal_pieces_and_what_hardly_needs_it_is_not_cut() -> None:
    groups = packed([chunk(second, second + 0.9) for second in range(60)])
    assert len(groups) == 4
    assert max(map(len, groups)) <= PIECE_S + SPARE_S
    assert len(packed([chunk(second, second + 0.9) for second in range(22)])) == 1


def test_short_pauses_stay_in_and_long_ones_are_left_out() -> None:
    assert joined([chunk(0, 2), chunk(3, 4), chunk(4 + JOIN_S, 9)]) == [chunk(0, 4), chunk(4 + JOIN_S, 9)]


def test_a_batch_follows_the_model_and_the_memory_there_is() -> None:
    plenty = 64 * 2**30
    assert batch_s(512, 6, plenty) == 48 * 2**20 / (50 * 512 * 8 * 6), "48 MB of keys and values, for base"
    assert batch_s(384, 4, plenty) == 3 * PIECE_S
    assert batch_s(512, 6, 96 * 2**20) == batch_s(512, 6, plenty) / 2
    assert batch_s(512, 6, 0) == 0


def test_batches_keep_the_order_and_count_every_window_as_long_as_the_longest() -> None:
    def frames_of(window: Window) -> int:
        return int(100 * max(10, window.speech_s + 1))

    found = [Window(((0.0, length_s),), np.zeros(int(length_s * RATE), np.float32)) for length_s in (9, 14, 2, 2, 29)]
    assert list(batches(iter(found), 45.0, frames_of)) == [found[:3], found[3:4], found[4:]]
    assert list(batches(iter(found), 0.0, frames_of)) == [[window] for window in found]


def test_nobody_is_told_that_voices_are_listened_to_here(tmp_path: Path) -> None:
    """Left alone, onnxruntime makes an id for this device below the home folder, and a list of what to report."""
    code = """
import numpy
from transcriber.windows import stretches
class Silence:
    def pieces(self, piece_s): yield numpy.zeros(16000, numpy.float32)
assert not list(stretches(Silence(), lambda: None))
"""
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment | {"HOME": str(tmp_path)}, check=True)
    assert not list(tmp_path.iterdir())
