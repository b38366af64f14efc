"""Media files, made with the real FFmpeg."""

from __future__ import annotations

import io

import av
import numpy as np


def written(container: str, codec: str, *, seconds: int = 3, rate: int = 48_000, layout: str = "stereo") -> bytes:
    """A sine of 440 Hz, as `codec` in `container`."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(stream, av.AudioStream)
        wave = (np.sin(np.arange(rate * seconds) * 440 * 2 * np.pi / rate) * 9_000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), format="s16", layout="mono")
        frame.rate = rate
        resampler = av.AudioResampler(stream.format, layout, rate, frame_size=stream.frame_size or 1024)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return file.getvalue()


def silent_film() -> bytes:
    """An mp4 with a picture and no sound."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("mpeg4", rate=5)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(5):
            out.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        out.mux(stream.encode(None))
    return file.getvalue()


def film(tracks: int) -> bytes:
    """An mp4 with `tracks` tracks of sound."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        streams = [out.add_stream("aac", rate=48_000) for _ in range(tracks)]
        for stream in streams:
            assert isinstance(stream, av.AudioStream)
            frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
            frame.rate, frame.pts = 48_000, 0
            out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    return file.getvalue()
