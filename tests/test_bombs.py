"""Hostile media: refused in a sentence, within a little memory, without other files."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from tests.bombs import claiming_mp4, huge_cover, wav
from tests.recordings import film, written
from tests.test_media import read, reason
from transcriber import container, media
from transcriber.media import RATE

MOST_MB = 30  # beside the libraries


def peak_mb(data: bytes) -> int:
    """How much memory a fresh process needs at most to read `data`, beyond what it needs for an ordinary file."""
    script = """
import resource, sys
from transcriber.errors import Rejected
from transcriber.media import Sound
def read(data):
    try:
        with Sound(data) as sound:
            for _ in sound.pieces(): pass
    except Rejected: pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
with open(sys.argv[1], "rb") as file: ordinary = file.read()
bomb = sys.stdin.buffer.read()
usual = read(ordinary)
print(read(bomb) - usual)
"""
    ordinary = Path(__file__).with_name("voices") / "en_3s.ogg"
    command = [sys.executable, "-c", script, str(ordinary)]
    return int(subprocess.run(command, input=data, check=True, stdout=subprocess.PIPE).stdout)


def test_a_cover_is_never_decoded_however_large_it_claims_to_be() -> None:
    """Looking at this one took 410 MB and 3 s before."""
    bomb = huge_cover(12_000)
    assert len(bomb) < 600_000
    assert peak_mb(bomb) < MOST_MB
    with av.open(io.BytesIO(huge_cover(64)), options=container.OPTIONS) as opened:
        assert opened.streams.video[0].codec_context.pix_fmt is None  # only decoding tells
    assert read(bomb)[0].size / RATE == pytest.approx(3, abs=0.1)


def test_a_table_of_thirty_million_samples_in_two_kilobytes_is_refused_before_it_takes_a_gigabyte() -> None:
    bomb = claiming_mp4(30_000_000)
    assert len(bomb) < 2_000
    assert reason(bomb) == "media_too_complex"
    assert peak_mb(bomb) < MOST_MB


def test_a_frame_of_sixteen_million_samples_takes_no_memory() -> None:
    assert reason(claiming_mp4(10, frame_samples=2**24)) == "media_unreadable"
    assert peak_mb(claiming_mp4(10, frame_samples=2**24)) < MOST_MB


@pytest.mark.parametrize(
    ("bomb", "key"),
    [
        (wav(rate=1), "media_too_long"),
        (wav(rate=100, sound=5_000), "media_unreadable"),
        (wav(rate=2**31 - 1), "media_unreadable"),
        (wav(channels=64), "media_unreadable"),
        (wav(channels=65_535), "media_unreadable"),
        (wav(tag=0x22), "media_unreadable"),  # DSP Group TrueSpeech, a decoder that nobody needs
    ],
    ids=["1 Hz", "100 Hz", "2 GHz", "64 channels", "65,535 channels", "an odd codec"],
)
def test_sound_that_nobody_records_is_refused(bomb: bytes, key: str) -> None:
    assert reason(bomb) == key


def test_a_film_of_forty_tracks_is_refused_and_one_of_thirty_is_heard() -> None:
    assert reason(film(40)) == "media_too_complex"
    assert read(film(30))[0].size > 0


def test_too_long_is_known_from_the_header_before_anything_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    long = written("flac", "flac", seconds=90)
    monkeypatch.setattr(media, "_next_frames", None)
    assert reason(long, max_s=60.0) == "media_too_long"


def test_a_header_that_says_nothing_about_the_length_does_not_help() -> None:
    long = bytearray(written("flac", "flac", seconds=90))
    long[21] &= 0xF0
    long[22:26] = bytes(4)  # STREAMINFO: the number of samples is unknown
    assert reason(bytes(long), max_s=60.0) == "media_too_long"


def test_unpacking_that_takes_far_longer_than_sound_can_take_is_given_up(
    voices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "PATIENCE_S", 0.0)
    monkeypatch.setattr(media, "PATIENCE_SHARE", 0.0)
    assert reason(voices / "en_60s.ogg") == "media_endless"


def test_what_never_ends_is_not_even_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.ogg")
    assert reason(tmp_path / "pipe.ogg") == "media_is_no_file"
    assert reason(Path("/dev/zero")) == "media_is_no_file"


def test_every_allowed_decoder_exists_and_is_one_of_sound() -> None:
    assert {av.Codec(name, "r").type for name in container.CODECS.split(",")} == {"audio"}


def test_a_sound_that_changes_its_form_on_the_way_is_heard_to_its_end() -> None:
    """Two streams, one behind the other, as radio stations join them."""
    samples, _ = read(written("adts", "aac", rate=24_000, layout="mono") + written("adts", "aac"))
    assert samples.size / RATE == pytest.approx(6, abs=0.2)
    assert np.abs(np.fft.rfft(samples[-RATE:])).argmax() == 440
