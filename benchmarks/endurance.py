"""Memory over long work: `python -m benchmarks.endurance [--hours 4] [--notes 500]`, tiny.en; takes 0.5 GB of disk.

Prints the peak of resident memory over that of the loaded model for one file of hours, and what 500 short notes leave.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import threading
import wave
from pathlib import Path

import numpy as np
import psutil

from tests.weights import ROOT, weights
from transcriber.media import RATE, Sound
from transcriber.memory import give_memory_back
from transcriber.whisper import Whisper

VOICES = Path(__file__).parent.parent / "tests" / "voices"
LONG = ("en_60s.ogg", "en_real_25s.ogg", "silence_5s.ogg", "en_real_11s.ogg")
SHORT = ("en_3s.ogg", "en_real_3s.ogg", "en_real_11s.ogg", "silence_5s.ogg")
SAMPLE_S = 0.05


class Peak:
    """The largest resident memory of this process while a block runs, in MB."""

    def __enter__(self) -> Peak:
        self.mb = 0.0
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_S):
            self.mb = max(self.mb, resident_mb())


def resident_mb() -> float:
    """Of this process, now."""
    return float(psutil.Process().memory_info().rss) / 2**20


def write_loop(file: Path, hours: float) -> None:
    """The LONG voices again and again, as a WAV of `hours`."""
    turn = []
    for name in LONG:
        with Sound(VOICES / name) as sound:
            turn += list(sound.pieces())
    data = (np.concatenate(turn) * 32767).astype("<i2").tobytes()
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        for _ in range(max(1, round(hours * 3600 * RATE * 2 / len(data)))):
            out.writeframes(data)


async def measure(hours: float, notes: int) -> None:
    """One engine: the long file, then the notes."""
    weights("tiny.en")
    engine = Whisper(ROOT)
    await engine.load("tiny.en")
    loaded_mb = resident_mb()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "long.wav"
        await asyncio.to_thread(write_loop, file, hours)
        give_memory_back()
        with Peak() as peak:
            heard = await engine.transcribe(file)
        print(f"{heard.duration_s / 3600:.1f} h in {heard.elapsed_s / 60:.1f} min, {len(heard.text.split())} words")
    print(
        f"loaded {loaded_mb:.0f} MB, peak {peak.mb:.0f}: {peak.mb - loaded_mb:.0f} more; {resident_mb():.0f} after it"
    )
    for number in range(notes):
        await engine.transcribe(VOICES / SHORT[number % len(SHORT)])
        if (number + 1) % 100 == 0:
            print(f"{resident_mb():.0f} MB after {number + 1} notes", flush=True)
    await engine.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=4.0)
    parser.add_argument("--notes", type=int, default=500)
    asked = parser.parse_args()
    asyncio.run(measure(asked.hours, asked.notes))
