"""What the demo draws: the messages of a chat, as plain values. Pure, but for `loudness`, which reads a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from transcriber.errors import Rejected
from transcriber.media import Sound

BARS = 30  # of a voice message's waveform
LEVELS = 8  # heights a bar can have
FOLDED_CHARACTERS = 200  # of a long text: the rest is folded away, as Telegram does it


@dataclass(frozen=True)
class Divider:
    """A line across the chat: from here on it is another one."""

    title: str


@dataclass(frozen=True)
class Bubble:
    """One message; `own` ones are on the right. A voice has `bars` and a duration, an answer the time it took."""

    text: str = ""
    own: bool = False
    bars: tuple[int, ...] = ()
    duration_s: float = 0.0
    reply_to: str = ""
    took: str = ""
    folded: bool = False

    @property
    def shown(self) -> str:
        """The text as it is seen before anybody unfolds it."""
        if not self.folded or len(self.text) <= FOLDED_CHARACTERS:
            return self.text
        return self.text[:FOLDED_CHARACTERS].rpartition(" ")[0] + " …"


def clock(seconds: float) -> str:
    """A duration as messengers show it."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def loudness(file: Path) -> tuple[int, ...]:
    """BARS numbers from 0 to LEVELS - 1; all 0 for silence and for what is no sound."""
    try:
        with Sound(file) as sound:
            power = np.square(np.concatenate(list(sound.pieces())))
    except Rejected:
        return (0,) * BARS
    means = [float(np.sqrt(part.mean())) for part in np.array_split(power, BARS)]
    loudest = max(*means, 0.02)  # the hiss of silence is not loud only because there is nothing else
    return tuple(min(LEVELS - 1, int(mean / loudest * LEVELS)) for mean in means)
