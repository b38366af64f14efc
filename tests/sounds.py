"""Sounds in which nobody says a word, and voices spoilt until nobody can understand them; the same at every run.

All are mono float32 samples at 16 kHz, scaled to a level in dBFS (decibels to full scale, of the mean power).
"""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

from transcriber.media import RATE, Samples, Sound

Wide = npt.NDArray[np.float64]
LOUD_DBFS = -20.0  # as loud as speech


def at_level(samples: Wide | Samples, level_dbfs: float = LOUD_DBFS) -> Samples:
    """`samples` at that mean power, clipped at full scale."""
    power = np.sqrt(np.mean(np.square(samples, dtype=np.float64)))
    found: Samples = np.clip(samples / power * 10 ** (level_dbfs / 20), -1, 1).astype(np.float32)
    return found


def noise(seconds: float, slope: float = 0.0, seed: int = 7) -> Samples:
    """Noise with power falling with frequency to the power of `slope`: 0 is white, 1 pink, 2 brown."""
    count = int(seconds * RATE)
    frequencies = np.fft.rfftfreq(count, 1 / RATE)
    frequencies[0] = frequencies[1]
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count)) * frequencies ** (-slope / 2)
    return at_level(np.fft.irfft(spectrum, count))


def silent_sounds(seconds: float) -> dict[str, Samples]:
    """Name -> sound without a voice."""
    return {
        "silence": np.zeros(int(seconds * RATE), np.float32),
        "faint noise": at_level(noise(seconds), -60),
        "white noise": noise(seconds),
        "pink noise": noise(seconds, 1),
        "brown noise": noise(seconds, 2),
        "hum": at_level(_tone(seconds, [50 * harmonic for harmonic in range(1, 12)])),
        "chords": _chords(seconds),
        "melody": _melody(seconds),
        "clicks": _clicks(seconds),
        "breathing": _breathing(seconds),
    }


def spoilt(voice: Samples, others: list[Samples]) -> dict[str, Samples]:
    """Name -> what nobody understands: `voice` backwards, under noise of 5 dB more, and in a crowd."""
    seconds = voice.size / RATE
    return {
        "backwards": voice[::-1].copy(),
        "under white noise": with_noise(voice, -5, slope=0),
        "under pink noise": with_noise(voice, -5, slope=1),
        "six voices at once": at_level(np.sum([_repeated(other, seconds) for other in others[:6]], axis=0)),
    }


def with_noise(voice: Samples, signal_to_noise_db: float, slope: float = 0.0) -> Samples:
    """`voice` with noise that many decibels below it."""
    sound = noise(voice.size / RATE, slope)[: voice.size]
    return at_level(at_level(voice) + at_level(sound, LOUD_DBFS - signal_to_noise_db))


def samples_of(file: Path) -> Samples:
    """The sound of a recording."""
    with Sound(file) as sound:
        return np.concatenate(list(sound.pieces(1e9)))


def wav(samples: Samples) -> bytes:
    """A WAV file with `samples` in it."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((samples * 32767).astype("<i2").tobytes())
    return file.getvalue()


def _times(seconds: float) -> Wide:
    return np.arange(int(seconds * RATE)) / RATE


def _tone(seconds: float, frequencies: list[float]) -> Wide:
    tones = [np.sin(2 * np.pi * hz * _times(seconds)) / (1 + at) for at, hz in enumerate(frequencies)]
    return np.asarray(np.sum(tones, axis=0))


def _plucked(seconds: float, hz: float) -> Wide:
    return np.asarray(_tone(seconds, [hz * harmonic for harmonic in range(1, 6)]) * np.exp(-3 * _times(seconds)))


def _chords(seconds: float) -> Samples:
    roots = np.resize([262.0, 349.0, 392.0, 262.0, 220.0, 294.0], int(np.ceil(seconds)))
    beats = [np.sum([_plucked(1.0, root * step) for step in (1, 1.26, 1.5, 2)], axis=0) for root in roots]
    return at_level(np.concatenate(beats)[: int(seconds * RATE)])


def _melody(seconds: float) -> Samples:
    steps = np.random.default_rng(7).integers(0, 15, int(np.ceil(seconds * 4)))
    return at_level(np.concatenate([_plucked(0.25, 220 * 2 ** (step / 12)) for step in steps])[: int(seconds * RATE)])


def _clicks(seconds: float) -> Samples:
    chance = np.random.default_rng(7)
    found = 1e-4 * chance.standard_normal(int(seconds * RATE))
    for start in chance.integers(0, found.size - 200, int(seconds * 3)):
        found[start : start + 200] += chance.standard_normal(200) * np.exp(-np.arange(200) / 40)
    return at_level(found, -30)


def _breathing(seconds: float) -> Samples:
    strength = np.clip(np.sin(2 * np.pi * _times(seconds) / 3.5), 0, 1) ** 2
    return at_level(noise(seconds, 0.5) * (strength + 1e-3), -30)


def _repeated(voice: Samples, seconds: float) -> Samples:
    return at_level(np.resize(voice, int(seconds * RATE)))
