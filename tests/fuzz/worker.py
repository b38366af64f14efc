"""`python -m tests.fuzz.worker SEED FIRST COUNT`: hears broken files one by one and says how each went, on stdout.

A process of its own: when native code crashes or hangs, the watcher sees at which number.
"""

from __future__ import annotations

import sys

import psutil

from tests.fuzz.mutate import mutant, seeds
from transcriber.errors import Rejected
from transcriber.media import Sound
from transcriber.memory import give_memory_back
from transcriber.windows import windows

MAX_S = 900.0  # so much silence can be made of a few bytes; listening to it is no hang


def heard(data: bytes) -> str:
    """What became of the file: "sound", the key of the refusal, or a surprise."""
    try:
        with Sound(data, max_s=MAX_S) as sound:
            for _ in windows(sound, lambda: None):
                pass
    except Rejected as error:
        return error.key
    except Exception as error:
        return f"SURPRISE {error!r}"
    return "sound"


def main(seed: int, first: int, count: int) -> None:
    """A line "number" before each file and "number outcome memory-in-KB" after it."""
    originals = seeds()
    process = psutil.Process()
    for number in range(first, first + count):
        print(number, flush=True)
        outcome = heard(mutant(originals, seed, number))
        if number % 100 == 0:
            give_memory_back()  # what is free but kept by the allocator is no growth
        print(number, process.memory_info().rss // 1024, outcome.replace("\n", " "), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
