"""Notes in noise, where second tries begin: `python -m benchmarks.noise`, with base, beside faster-whisper as it comes.

No note of up to 30 s may take twice what faster-whisper takes for it. White noise, down to 5 dB louder than the speech.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.processes import Contender
from benchmarks.recordings import recordings
from config.cpu import usable_cores
from tests.sounds import samples_of, wav, with_noise
from tests.wer import word_error_rate

MODEL = "base"
LONGEST_S = 30.0
BELOW_DB = (10, 5, 0, -5)  # the noise below the speech
LIMIT_S = 300.0


def main() -> None:
    """One row for each note and each noise."""
    notes = [note for note in recordings() if note["seconds"] <= LONGEST_S]
    print("| note | dB | ours s | naive s | ours / naive | WER ours | WER naive |\n|---|---|---|---|---|---|---|")
    ratios = []
    engines = (Contender("ours", MODEL, usable_cores()), Contender("naive", MODEL, usable_cores()))
    with tempfile.TemporaryDirectory() as folder, engines[0] as ours, engines[1] as naive:
        for engine in (ours, naive):
            engine.ask([notes[0]["path"]], notes[0]["lang"], LIMIT_S)  # the first time is for the caches
        for note in notes:
            for below_db in BELOW_DB:
                file = Path(folder) / f"{below_db}.wav"
                file.write_bytes(wav(with_noise(samples_of(note["path"]), below_db)))
                answers = [engine.ask([file], note["lang"], LIMIT_S) for engine in (ours, naive)]
                walls_s = [float(answer["wall_s"]) for answer in answers]
                errors = [word_error_rate(note["text"], answer["texts"][0]) for answer in answers]
                ratios.append(walls_s[0] / walls_s[1])
                cells = [note["file"], str(below_db), *(f"{wall_s:.2f}" for wall_s in walls_s), f"{ratios[-1]:.2f}"]
                print("| " + " | ".join([*cells, *(f"{each:.3f}" for each in errors)]) + " |", flush=True)
    print(f"at worst {max(ratios):.2f} of naive, {sum(ratios) / len(ratios):.2f} in the mean")


if __name__ == "__main__":
    main()
