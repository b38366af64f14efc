"""Untrusted files: sound comes out, or one Rejected that says why. Broken media is made here, with the real FFmpeg."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from tests.recordings import silent_film, written
from transcriber.errors import Rejected
from transcriber.media import RATE, Samples, Sound

HTML = b"<!DOCTYPE html><html><body>" + b"<p>502 Bad Gateway</p>" * 99 + b"</body></html>"


def read(media: Path | bytes, announced_s: float | None = None, max_s: float = 60.0) -> tuple[Samples, bool]:
    """The whole sound, and whether it was cut short."""
    with Sound(media, announced_s=announced_s, max_s=max_s) as sound:
        return np.concatenate(list(sound.pieces())), sound.cut_short


def reason(media: Path | bytes, **limits: float) -> str:
    """Why `media` is rejected."""
    with pytest.raises(Rejected) as rejected:
        read(media, **limits)
    return rejected.value.key


def png() -> bytes:
    """One grey pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\x80")) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("ogg", "libopus"),
        ("mp4", "aac"),
        ("mp3", "mp3"),
        ("wav", "pcm_s16le"),
        ("flac", "flac"),
        ("matroska", "libopus"),
    ],
)
def test_usual_formats_become_16_khz_mono(container: str, codec: str) -> None:
    samples, cut_short = read(written(container, codec))
    assert samples.dtype == np.float32
    assert samples.size / RATE == pytest.approx(3, abs=0.1)
    assert not cut_short
    spectrum = np.abs(np.fft.rfft(samples[RATE : 2 * RATE]))
    assert spectrum.argmax() == 440


def test_a_path_and_its_bytes_give_the_same_sound(voices: Path) -> None:
    path = voices / "en_3s.ogg"
    assert np.array_equal(read(path)[0], read(path.read_bytes())[0])


def test_sound_comes_in_pieces_of_about_the_wanted_length(voices: Path) -> None:
    with Sound(voices / "en_60s.ogg") as sound:
        lengths_s = [piece.size / RATE for piece in sound.pieces(10)]
    assert lengths_s[:5] == pytest.approx([10] * 5, abs=0.1)
    assert sum(lengths_s) == pytest.approx(58.68, abs=0.01)


@pytest.mark.parametrize(
    ("media", "key"),
    [
        (b"", "media_empty"),
        (HTML, "media_unreadable"),
        (b'{"ok": false, "error_code": 404}' * 20, "media_unreadable"),
        (b"just some words\n" * 50, "media_unreadable"),
        (png(), "media_unreadable"),
        (np.random.default_rng(1).bytes(20_000), "media_unreadable"),
        (silent_film(), "media_no_audio"),
    ],
    ids=["empty", "html", "json", "text", "png", "noise", "silent film"],
)
def test_what_is_no_sound_is_rejected_with_the_reason(media: bytes, key: str) -> None:
    assert reason(media) == key


def test_a_header_without_sound_is_rejected(voices: Path) -> None:
    assert reason((voices / "en_3s.ogg").read_bytes()[:60]) == "media_unreadable"


@pytest.mark.parametrize(
    "script", ["ffconcat version 1.0\nfile '{}'\n", "#EXTM3U\n#EXTINF:3,\nfile://{}\n#EXT-X-ENDLIST\n"]
)
def test_a_script_reaches_no_other_file(script: str, voices: Path, tmp_path: Path) -> None:
    """FFmpeg would play the file that an ffconcat script or a playlist names."""
    disguised = tmp_path / "voice.ogg"
    disguised.write_text(script.format(voices / "en_3s.ogg"))
    assert reason(disguised) == "media_unreadable"
    assert reason(disguised.read_bytes()) == "media_unreadable"


def test_half_an_ogg_gives_its_half_and_is_cut_short(voices: Path) -> None:
    whole = (voices / "en_real_11s.ogg").read_bytes()
    samples, cut_short = read(whole[: len(whole) // 2])
    assert 3 < samples.size / RATE < 8
    assert cut_short


def test_a_sound_far_shorter_than_announced_is_cut_short(voices: Path) -> None:
    assert read(voices / "en_3s.ogg", announced_s=11.0)[1]
    assert not read(voices / "en_3s.ogg", announced_s=4.0)[1]  # Telegram rounds


def test_a_file_that_breaks_off_is_cut_short_by_its_own_header() -> None:
    flac = written("flac", "flac", seconds=8)
    samples, cut_short = read(flac[: len(flac) // 2])
    assert samples.size / RATE == pytest.approx(4, abs=0.5)
    assert cut_short


def test_corruption_in_the_middle_loses_only_what_it_hit(voices: Path) -> None:
    damaged = bytearray((voices / "en_real_11s.ogg").read_bytes())
    middle = len(damaged) // 2
    damaged[middle : middle + 400] = np.random.default_rng(2).bytes(400)
    samples, _ = read(bytes(damaged))
    assert 9 < samples.size / RATE < 11.4


def test_too_long_is_refused_by_announcement_or_when_found_out(voices: Path) -> None:
    assert reason(voices / "en_3s.ogg", announced_s=100.0, max_s=60.0) == "media_too_long"
    assert reason(voices / "en_3s.ogg", max_s=2.0) == "media_too_long"


def test_files_that_cannot_be_opened_are_named_for_what_they_are(tmp_path: Path) -> None:
    assert reason(tmp_path / "nothing.ogg") == "media_missing"
    assert reason(tmp_path) == "media_is_folder"
