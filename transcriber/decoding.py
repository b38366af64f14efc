"""Whisper driven through CTranslate2 itself: log-mel features of a clip, one encoder pass, as many decodings as needed.

faster_whisper always encodes 30 s and encodes them once more for the language. Here only what there is is encoded, and
the language and every further try come from the same encoder output.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from transcriber.media import RATE, Samples
from transcriber.threads import Check

Encoded = npt.NDArray[np.float32]  # encoder output, shape (windows, frames / 2, width of the model)

FRAME_RATE = 100  # log-mel frames per second: a hop of 160 samples
FULL_FRAMES = 3000  # the 30 s window Whisper was trained on


@dataclass(frozen=True)
class Heard:
    """One decoding of one window, with what the decoder thinks of it."""

    text: str
    tokens: int
    log_probability: float  # average over the tokens
    no_speech_probability: float
    was_cut: bool  # it ran into its limit of tokens: a loop, more often than not

    @property
    def compression(self) -> float:
        """Bytes of the text per byte of it compressed, as Whisper's own guard counts; loops compress well."""
        data = self.text.encode()
        return len(data) / len(zlib.compress(data))


class Decoder:
    """One model at work on one voice; counts what it spends.

    `model` is a faster_whisper.WhisperModel, whose features, tokenizer and prompt are used; `layers` are its
    decoder's (the largest has 32).
    """

    def __init__(self, model: Any, layers: int = 32) -> None:
        self._model = model
        self.layers = layers
        self.encoder_frames = 0
        self.decoder_tokens = 0

    @property
    def is_multilingual(self) -> bool:
        """Whether the model knows more than English."""
        return bool(self._model.model.is_multilingual)

    @property
    def width(self) -> int:
        """Numbers per position in the encoder's output: 512 for base."""
        silence = np.zeros((1, self._model.model.n_mels, 2), np.float32)
        return int(np.array(self._model.model.encode(_storage(silence))).shape[-1])

    def encode(self, clips: list[Samples], window_frames: int, check: Check = lambda: None) -> Encoded:
        """The encoder output of each clip in a window of `window_frames` (even, at most FULL_FRAMES).

        With a `check` before each. One after the other: attention over 30 s takes 72 MB each for base.
        """
        outputs = []
        for clip in clips:
            check()
            features = _fitted(self._model.feature_extractor(clip)[:, :-1], window_frames)
            outputs.append(np.array(self._model.model.encode(_storage(features[None]))))
            self.encoder_frames += window_frames
        return np.concatenate(outputs)

    def languages(self, encoded: Encoded) -> dict[str, float]:
        """Language code -> probability, the mean over the windows."""
        if not self.is_multilingual:
            return {"en": 1.0}
        sums: dict[str, float] = {}
        for window in self._model.model.detect_language(_storage(encoded)):
            for token, probability in window:
                code = token[2:-2]  # <|ru|>
                sums[code] = sums.get(code, 0.0) + probability / len(encoded)
        return sums

    def decode(
        self, encoded: Encoded, language: str, *, beam_size: int, max_tokens: int, words: str = ""
    ) -> list[Heard]:
        """What is said in each window, without timestamps; at most `max_tokens` tokens for each.

        `words` are names and terms that may come up; about 220 tokens of them count.
        """
        from faster_whisper.tokenizer import Tokenizer

        tokenizer = Tokenizer(self._model.hf_tokenizer, self.is_multilingual, task="transcribe", language=language)
        prompt = self._model.get_prompt(tokenizer, [], without_timestamps=True, hotwords=words or None)
        room = self._model.max_length  # positions of the decoder: 448
        limit = min(max_tokens, room // 2, room - len(prompt))
        results = self._model.model.generate(
            _storage(encoded),
            [prompt] * len(encoded),
            beam_size=beam_size,
            max_length=max(2 * limit, len(prompt) + limit),  # CTranslate2 gives half of it to new tokens, at most
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [self._heard(tokenizer, result, limit) for result in results]

    def _heard(self, tokenizer: Any, result: Any, limit: int) -> Heard:
        tokens = result.sequences_ids[0]
        self.decoder_tokens += len(tokens)
        # CTranslate2's score is the mean over the tokens; Whisper's own average counts the end token as well.
        log_probability = result.scores[0] * len(tokens) / (len(tokens) + 1)
        text = tokenizer.decode(tokens)
        return Heard(text, len(tokens), log_probability, result.no_speech_prob, len(tokens) >= limit)


def _fitted(features: npt.NDArray[np.float32], frames: int) -> npt.NDArray[np.float32]:
    """`features` (mels, n) cut or filled up to `frames` with silence."""
    fitted = np.full((features.shape[0], frames), features.max() - 2.0, np.float32)  # the floor: 8 decades / 4
    fitted[:, : features.shape[1]] = features[:, :frames]
    return fitted


def _storage(values: Encoded) -> Any:
    from faster_whisper.transcribe import get_ctranslate2_storage

    return get_ctranslate2_storage(values)


def frames(seconds: float) -> int:
    """A window of at least `seconds`, in frames: even, because the encoder halves them."""
    return min(FULL_FRAMES, 2 * int(np.ceil(seconds * FRAME_RATE / 2)))


def seconds(samples: Samples) -> float:
    """The length of `samples`."""
    return samples.size / RATE
