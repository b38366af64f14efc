"""Transcripts in the forms other programs read: plain text, SubRip, WebVTT, JSON. Pure."""

from __future__ import annotations

import html
import json
from dataclasses import asdict
from enum import StrEnum

from transcriber.voice import Segment, Transcript


class Format(StrEnum):
    """What to write; the value is what `--format` takes."""

    TEXT = "text"
    SRT = "srt"
    VTT = "vtt"
    JSON = "json"

    @property
    def suffix(self) -> str:
        """The ending of a file of this kind, with its dot."""
        return ".txt" if self is Format.TEXT else f".{self.value}"


def srt(transcript: Transcript) -> str:
    """SubRip: numbered from 1, a comma before the milliseconds, an empty line after each; empty without speech."""
    return "".join(
        f"{number}\n{_clock(cue.start_s, ',')} --> {_clock(cue.end_s, ',')}\n{_line(cue)}\n\n"
        for number, cue in enumerate(_cues(transcript), 1)
    )


def vtt(transcript: Transcript) -> str:
    """WebVTT (W3C): a header, a point before the milliseconds, & and < escaped."""
    cues = (
        f"{_clock(cue.start_s, '.')} --> {_clock(cue.end_s, '.')}\n{html.escape(_line(cue), quote=False)}\n\n"
        for cue in _cues(transcript)
    )
    return "WEBVTT\n\n" + "".join(cues)


def as_json(transcripts: list[tuple[str, Transcript]]) -> str:
    """A list with one object for each (file name, transcript), times in seconds."""
    return json.dumps([_record(file, transcript) for file, transcript in transcripts], ensure_ascii=False, indent=2)


def _record(file: str, transcript: Transcript) -> dict[str, object]:
    return {
        "file": file,
        "text": transcript.text,
        "language": transcript.language,
        "language_probability": round(transcript.language_probability, 4),
        "duration_s": round(transcript.duration_s, 3),
        "elapsed_s": round(transcript.elapsed_s, 3),
        "model": transcript.model,
        "cut_short": transcript.cut_short,
        "segments": [asdict(segment) for segment in transcript.segments],
    }


def _cues(transcript: Transcript) -> list[Segment]:
    """Only what can be shown: an empty cue would end the file for some players."""
    return [segment for segment in transcript.segments if segment.text.strip()]


def _line(cue: Segment) -> str:
    """On one line, since an empty one ends a cue, and without the arrow that would begin another."""
    return " ".join(cue.text.split()).replace("-->", "→")


def _clock(at_s: float, point: str) -> str:
    seconds, milliseconds = divmod(round(max(0.0, at_s) * 1000), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{milliseconds:03d}"
