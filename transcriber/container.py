"""What media may be: the containers and decoders that are opened, and how much a header may claim."""

from __future__ import annotations

import ctypes
from typing import BinaryIO

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer

from transcriber.errors import Rejected

# Containers of sound only: no scripts, playlists or devices (concat, hls, dash, lavfi …) that open further files.
FORMATS = (
    "ogg,mov,mp4,matroska,webm,mp3,wav,w64,flac,aac,amr,amrnb,amrwb,aiff,caf,au,avi,asf,flv,mpeg,mpegts,ac3,eac3,wv"
)
# Decoders of sound in daily use, out of FFmpeg's 213: bugs live in the odd ones. Pictures are never decoded, not even
# to see what they are: a cover of 12,000 x 12,000 pixels made an mp3 of 470 KB take 410 MB and 3 s.
CODECS = (
    "opus,libopus,vorbis,mp3,mp3float,mp2,mp2float,mp1,mp1float,aac,aac_latm,flac,alac,wavpack,ac3,eac3,dca,truehd,"
    "amrnb,amrwb,wmav1,wmav2,wmapro,wmavoice,wmalossless,speex,gsm,gsm_ms,nellymoser,adpcm_ms,adpcm_ima_wav,"
    "adpcm_ima_qt,adpcm_swf,adpcm_yamaha,pcm_alaw,pcm_mulaw,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,"
    "pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,pcm_bluray,pcm_dvd"
)
FRAME_SAMPLES_MOST = 2**20  # ours: 22 s at 48 kHz; WavPack's, the longest in use, have 131,072; headers may claim more
RATES = range(4_000, 768_001)  # samples per second: below, a file of 10 MB would be months of sound
STREAMS_MOST = 32
# The largest table: 12 h of opus have one of 52 MB. Without a limit an mp4 of 1.7 KB takes what its header claims, 1 GB
# for 30 million samples. The function is FFmpeg's own, found among the libraries that PyAV is linked with.
TABLE_BYTES = 64 * 2**20
ctypes.CDLL(av._core.__file__).av_max_alloc(ctypes.c_size_t(TABLE_BYTES))
OPTIONS = {
    "format_whitelist": FORMATS,
    "codec_whitelist": CODECS,
    "protocol_whitelist": "none",
    "max_streams": str(STREAMS_MOST),
    "max_samples": str(FRAME_SAMPLES_MOST),
}


def open_container(file: BinaryIO) -> tuple[InputContainer, AudioStream]:
    """The container in `file` and its first sound. Raises Rejected."""
    if not file.read(1):
        raise Rejected("media_empty")
    file.seek(0)
    try:
        container = av.open(file, "r", options=OPTIONS, metadata_errors="ignore")
    except av.error.MemoryError as error:  # STREAMS_MOST, TABLE_BYTES
        raise Rejected("media_too_complex") from error
    except av.error.FFmpegError as error:
        raise Rejected("media_unreadable") from error
    try:
        return container, _sound_of(container)
    except Rejected:
        container.close()
        raise


def _sound_of(container: InputContainer) -> AudioStream:
    if not container.streams.audio:
        raise Rejected("media_no_audio")
    stream = container.streams.audio[0]
    if stream.codec_context is None or stream.codec_context.name not in CODECS.split(","):
        raise Rejected("media_unreadable")
    stream.codec_context.options = {"max_samples": str(FRAME_SAMPLES_MOST)}
    return stream


def is_plausible(frame: av.AudioFrame) -> bool:
    """Whether a decoded frame is something that a person may have recorded."""
    return frame.sample_rate in RATES
