"""Sound out of untrusted files: 16 kHz mono, in pieces. What may be opened is in `container`."""

from __future__ import annotations

import io
import itertools
import logging
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import av
import av.error
import numpy as np
import numpy.typing as npt
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from transcriber.container import is_plausible, open_container
from transcriber.errors import Rejected

log = logging.getLogger(__name__)

Samples = npt.NDArray[np.float32]  # shape (n,), mono, -1 … 1, RATE per second

RATE = 16_000  # samples per second, the only rate Whisper knows
PIECE_S = 30.0
MAX_S = 12 * 3600.0  # ours: two hours of work for base (0.18 of real time, speech only); no lecture is longer
# Sound that is missing below both is rounding, padding or an estimate; Telegram announces whole seconds.
MISSING_S = 2.0
MISSING_SHARE = 0.1

# CPU time for unpacking, not for listening: wav, flac, mp3, aac, opus take 0.002 to 0.009 s for a second of sound.
PATIENCE_S = 20.0
PATIENCE_SHARE = 0.1  # for each second of sound that came out
ESTIMATED = {"mp3", "aac", "ac3", "eac3", "mpeg"}  # their duration is a guess from the bit rate
OGG_HEADER_BYTES = 27
OGG_PAGE_MAX_BYTES = 65_307  # RFC 3533, section 6


class Sound:
    """One media file, read once from its start to its end.

    `announced_s` is the duration Telegram gave; without one the container's own, where it is exact; 0 is unknown.
    Raises Rejected (from `__init__` and `pieces`) for everything that can be wrong with a file.
    """

    def __init__(self, media: Path | bytes, *, announced_s: float | None = None, max_s: float = MAX_S) -> None:
        if announced_s is not None and announced_s > max_s:
            raise Rejected("media_too_long", hours=f"{max_s / 3600:g}")
        self.decoded_s = 0.0
        self._max_s = max_s
        self._file = _open(media)
        try:
            self._torn = _torn_ogg(self._file)
            self._container, self._stream = open_container(self._file)
        except Rejected:
            self._file.close()
            raise
        own_s = _own_duration_s(self._container, self._stream)
        self.announced_s = announced_s or own_s
        if own_s > max_s:
            self.__exit__(None, None, None)
            raise Rejected("media_too_long", hours=f"{max_s / 3600:g}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._container.close()
        self._file.close()

    @property
    def cut_short(self) -> bool:
        """Whether the sound ended well before it should have; known once `pieces` is through."""
        missing_s = self.announced_s - self.decoded_s
        return self._torn or missing_s > max(MISSING_S, MISSING_SHARE * self.announced_s)

    def pieces(self, piece_s: float = PIECE_S) -> Iterator[Samples]:
        """The sound in order, about `piece_s` at a time; damaged packets are left out, the rest is kept."""
        held: list[Samples] = []
        held_s = 0.0
        for samples in _resampled(self._frames()):
            self.decoded_s += samples.size / RATE
            held_s += samples.size / RATE
            if self.decoded_s > self._max_s:
                raise Rejected("media_too_long", hours=f"{self._max_s / 3600:g}")
            held.append(samples)
            if held_s >= piece_s:
                yield np.concatenate(held)
                held, held_s = [], 0.0
        if held:
            yield np.concatenate(held)
        if not self.decoded_s:
            raise Rejected("media_unreadable")

    def _frames(self) -> Iterator[av.AudioFrame]:
        """Every frame that can be decoded. A header of 1 KB can describe hours of work that give no sound: Rejected."""
        packets = self._container.demux(self._stream)
        work_s = 0.0
        frames: list[av.AudioFrame] | None = []
        while frames is not None:
            yield from frames
            started_s = time.thread_time()
            frames = _next_frames(packets)
            work_s += time.thread_time() - started_s
            if work_s > PATIENCE_S + PATIENCE_SHARE * self.decoded_s:
                raise Rejected("media_endless")


def _open(media: Path | bytes) -> BinaryIO:
    """A file object, never a name: names reach FFmpeg's protocols and the files beside them."""
    if isinstance(media, bytes):
        return io.BytesIO(media)
    try:
        if not stat.S_ISREG(media.stat().st_mode):  # opening a pipe waits for its writer, /dev/zero never ends
            raise Rejected("media_is_folder" if media.is_dir() else "media_is_no_file")
        return media.open("rb")
    except FileNotFoundError as error:
        raise Rejected("media_missing") from error
    except PermissionError as error:
        raise Rejected("media_forbidden") from error


def _own_duration_s(container: InputContainer, stream: AudioStream) -> float:
    if container.format.name in ESTIMATED or stream.duration is None or stream.time_base is None:
        return 0.0
    return float(stream.duration * stream.time_base)


def _next_frames(packets: Iterator[Packet[AudioStream]]) -> list[av.AudioFrame] | None:
    """What the next packet holds, None after the last: broken packets are left out, a broken container is the end."""
    try:
        packet = next(packets)
    except (StopIteration, IndexError):  # PyAV 18.1 has the latter at the end, when tracks appeared on the way
        return None
    except av.error.FFmpegError as error:
        log.info("media breaks off: %s", error)
        return None
    try:
        return [frame for frame in packet.decode() if is_plausible(frame)]
    except av.error.FFmpegError as error:
        log.debug("packet left out: %s", error)
        return []


def _resampled(frames: Iterator[av.AudioFrame]) -> Iterator[Samples]:
    for _, alike in itertools.groupby(frames, lambda f: (f.format.name, f.layout.name, f.sample_rate)):
        resampler = AudioResampler(format="s16", layout="mono", rate=RATE)  # a new one when the form changes on the way
        try:
            for frame in alike:
                frame.pts = None  # gaps and jumps of the clock are no sound
                yield from map(_samples, resampler.resample(frame))
            yield from map(_samples, resampler.resample(None))
        except av.error.FFmpegError as error:
            log.debug("sound left out: %s", error)


def _samples(frame: av.AudioFrame) -> Samples:
    return frame.to_ndarray().reshape(-1).astype(np.float32) / np.float32(32768)


def _torn_ogg(file: BinaryIO) -> bool:
    """Whether an Ogg file ends inside a page: a download or a copy that broke off, which decodes without any error."""
    file.seek(max(0, file.seek(0, io.SEEK_END) - 2 * OGG_PAGE_MAX_BYTES))
    tail = file.read()
    file.seek(0)
    is_ogg = file.read(4) == b"OggS"
    file.seek(0)
    page = tail[max(0, tail.rfind(b"OggS")) :]
    if not is_ogg or len(page) < OGG_HEADER_BYTES:
        return is_ogg
    body_at = OGG_HEADER_BYTES + page[OGG_HEADER_BYTES - 1]
    return len(page) < body_at + sum(page[OGG_HEADER_BYTES:body_at])
