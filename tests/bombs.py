"""Files that cost far more than they weigh, written by hand: the headers lie."""

from __future__ import annotations

import struct
import zlib

from tests.recordings import written


def wav(*, rate: int = 16_000, channels: int = 1, tag: int = 1, sound: int = 100_000) -> bytes:
    """8 bits for each sample; `tag` names the codec, `sound` is the size of the sound in bytes."""
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * channels & 0xFFFFFFFF, channels, 8)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", sound) + bytes(sound)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def claiming_mp4(samples: int, frame_samples: int = 4096) -> bytes:
    """An mp4 of 1.7 KB whose only fragment claims so many samples, in ALAC frames of `frame_samples`."""
    cookie = _full(b"alac", struct.pack(">IBBBBBBHIII", frame_samples, 0, 16, 40, 10, 14, 2, 255, 0, 0, 48_000))
    sound = struct.pack(">HHII", 2, 16, 0, 48_000 << 16)
    entry = _box(b"alac", bytes(6), struct.pack(">H", 1), bytes(8), sound, cookie)
    tables = (_full(b"stsd", struct.pack(">I", 1), entry), _full(b"stts", bytes(4)), _full(b"stsc", bytes(4)))
    table = _box(b"stbl", *tables, _full(b"stsz", bytes(8)), _full(b"stco", bytes(4)))
    header = _full(b"mdhd", bytes(8), struct.pack(">II", 48_000, 0), bytes(4))
    kind = _full(b"hdlr", bytes(4), b"soun", bytes(13))
    media = _box(b"mdia", header, kind, _box(b"minf", _full(b"smhd", bytes(4)), table))
    track = _box(b"trak", _full(b"tkhd", bytes(8), struct.pack(">I", 1), bytes(68)), media)
    extends = _box(b"mvex", _full(b"trex", struct.pack(">IIIII", 1, 1, 1024, 1, 0)))
    movie = _box(b"moov", _full(b"mvhd", bytes(8), struct.pack(">II", 1000, 0), bytes(80)), track, extends)
    defaults = _box(b"tfhd", struct.pack(">I", 0x020018), struct.pack(">III", 1, 1024, 1))
    run = _full(b"trun", struct.pack(">I", samples))
    fragment = _box(b"moof", _full(b"mfhd", struct.pack(">I", 1)), _box(b"traf", defaults, run))
    return _box(b"ftyp", b"isom", bytes(4), b"isom") + movie + fragment + _box(b"mdat", bytes(1000))


def huge_cover(side: int) -> bytes:
    """An mp3 with a cover of `side` x `side` black pixels, three bytes each, packed a thousandfold."""
    packer = zlib.compressobj(9)
    start = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    pixels = start + block * ((1 + 3 * side) * side // 2**20 + 1)
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")
    picture = b"\0image/png\0\3\0" + png
    frame = b"APIC" + _sevens(len(picture)) + b"\0\0" + picture
    return b"ID3\4\0\0" + _sevens(len(frame)) + frame + written("mp3", "mp3")


def _box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + kind + body


def _full(kind: bytes, *content: bytes) -> bytes:
    return _box(kind, bytes(4), *content)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _sevens(number: int) -> bytes:
    """ID3's numbers: seven bits in each byte."""
    return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))
