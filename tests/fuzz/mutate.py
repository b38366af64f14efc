"""Broken media, each made from one original or two by its number alone: a number is all there is to keep."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tests.recordings import written

VOICES = Path(__file__).parents[1] / "voices"
# What stands before numbers: boxes of mp4, chunks of wav and aiff, elements of matroska, pages of ogg, frames of flac.
TAGS = (
    *(b"moov", b"trak", b"mdhd", b"stsd", b"stts", b"stsc", b"stsz", b"stco", b"elst", b"esds", b"mdat", b"mp4a"),
    *(b"RIFF", b"fmt ", b"data", b"LIST", b"hdrl", b"strh", b"strf", b"movi", b"OggS", b"OpusHead", b"OpusTags"),
    *(b"fLaC", b"ID3", b"Xing", b"FORM", b"COMM", b"caff", b"desc", b"pakt", b"#!AMR", b"FLV"),
    *(b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\x1f\x43\xb6\x75", b"\xff\xfb", b"\xff\xf1"),
)
NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
FORMATS = (
    ("mp4", "aac"),
    ("mp4", "alac"),
    ("mp3", "mp3"),
    ("wav", "pcm_s16le"),
    ("wav", "adpcm_ms"),
    ("webm", "libopus"),
    ("matroska", "aac"),
    ("ogg", "libopus"),
    ("flac", "flac"),
    ("aiff", "pcm_s16be"),
    ("caf", "alac"),
    ("avi", "mp3"),
    ("asf", "mp3"),
    ("mpegts", "aac"),
    ("adts", "aac"),
    ("wv", "wavpack"),
    ("ac3", "ac3"),
)


def seeds() -> list[bytes]:
    """Real voices and a short sound in every usual format."""
    voices = [(VOICES / f"{name}.ogg").read_bytes() for name in ("en_3s", "ru_3s", "en_real_3s")]
    return voices + [written(container, codec, seconds=1) for container, codec in FORMATS]


def mutant(originals: list[bytes], seed: int, number: int) -> bytes:
    """The broken file called `number`: one to five mutations of an original."""
    dice = random.Random(f"{seed}:{number}")
    data = bytearray(dice.choice(originals))
    for _ in range(dice.choice((1, 1, 2, 3, 5))):
        if data:
            dice.choice(MUTATORS)(data, dice, originals)
    return bytes(data)


def _flip_bits(data: bytearray, dice: random.Random, _originals: list[bytes]) -> None:
    for _ in range(dice.choice((1, 2, 8, 64, 512))):
        data[_place(data, dice)] ^= 1 << dice.randrange(8)


def _cut(data: bytearray, dice: random.Random, _originals: list[bytes]) -> None:
    del data[dice.randrange(len(data)) :]


def _leave_out(data: bytearray, dice: random.Random, _originals: list[bytes]) -> None:
    at = _place(data, dice)
    del data[at : at + dice.choice((1, 4, 100, 4_000))]


def _repeat(data: bytearray, dice: random.Random, _originals: list[bytes]) -> None:
    at = _place(data, dice)
    data[at:at] = data[at : at + dice.choice((4, 100, 4_000))] * dice.choice((1, 2, 50))


def _splice(data: bytearray, dice: random.Random, originals: list[bytes]) -> None:
    other = dice.choice(originals)
    data[dice.randrange(len(data)) :] = other[dice.randrange(len(other)) :]


def _insert_other(data: bytearray, dice: random.Random, originals: list[bytes]) -> None:
    other = dice.choice(originals)
    at, start = _place(data, dice), dice.randrange(len(other))
    data[at:at] = other[start : start + dice.choice((16, 300, 8_000))]


def _overwrite(data: bytearray, dice: random.Random, _originals: list[bytes]) -> None:
    at = _place(data, dice)
    data[at : at + 32] = dice.randbytes(len(data[at : at + 32]))


def _claim(data: bytearray, dice: random.Random, _originals: list[bytes]) -> None:
    """A number that lies: near a tag if there is one, where lengths and counts are."""
    tag = dice.choice(TAGS)
    found = data.find(tag, dice.randrange(len(data))) if dice.random() < 0.5 else data.find(tag)
    at = max(0, found + dice.randrange(-4, 24)) if found >= 0 else _place(data, dice)
    width = dice.choice((1, 2, 4, 8))
    number = dice.choice((*NUMBERS, len(data), dice.getrandbits(32))) & ((1 << 8 * width) - 1)
    data[at : at + width] = number.to_bytes(width, dice.choice(("big", "little")))


def _place(data: bytearray, dice: random.Random) -> int:
    """Headers are worth more than sound: half of all places are in the first 400 bytes."""
    return dice.randrange(min(400, len(data)) if dice.random() < 0.5 else len(data))


Mutator = Callable[[bytearray, random.Random, list[bytes]], None]
MUTATORS: tuple[Mutator, ...] = (
    *(_flip_bits, _cut, _leave_out, _repeat, _splice, _insert_other, _overwrite),
    *(_claim, _claim, _claim),
)
