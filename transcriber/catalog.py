"""The usual models: how large they are, how much work they make, and how much memory one needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_MB = 2**20
# What a conversion to int8 takes beside the file (97 to 121 MB from tiny to small, 30 MB for medium and larger), and
# work beside the weights.
_BESIDE_BYTES = 130 * _MB
_SHARE = {"int16": 1.1, "float32": 2.1, "float16": 2.1, "bfloat16": 2.1}  # of the file; CPUs compute the last two so


@dataclass(frozen=True, slots=True)
class Usual:
    """A model that people choose. `work` is the time for a note of 10 s in relation to base."""

    file_mb: int
    work: float


# model.bin on the hub. Base takes 0.2 s for the encoder and 0.65 s for the decoder; the others by their encoder passes
# over 30 s (base 0.75 s, small 3 s, large 16 s) and the decoder weights that every token reads.
USUAL: Mapping[str, Usual] = {
    "tiny": Usual(72, 0.5),
    "base": Usual(138, 1.0),
    "small": Usual(461, 3.2),
    "medium": Usual(1457, 10.0),
    "large-v3-turbo": Usual(1543, 8.0),
    "distil-large-v3": Usual(1443, 7.5),
    "large-v3": Usual(2944, 18.0),
}
_SAME = {"turbo": "large-v3-turbo", "large": "large-v3", "large-v2": "large-v3", "large-v1": "large-v3"}


def usual(name: str) -> Usual | None:
    """The entry of a model, or of the one of the same shape: base.en is as large as base."""
    name = name.removesuffix(".en")
    return USUAL.get(_SAME.get(name, name))


def held_bytes(file_bytes: int, compute_type: str) -> int:
    """What a model of which model.bin (half precision) has `file_bytes` takes in memory once it is loaded.

    Seen on weights of the true shapes, for files of 138, 461, 1456 and 2942 MB: 86, 268, 836 and 1666 MB as int8; for
    the first one 287 MB as float32.
    """
    return int(file_bytes * _SHARE.get(compute_type, 0.57))


def needed_bytes(file_bytes: int, compute_type: str) -> int:
    """What must be free for it: the file is in memory while it is converted, or the result beside its work."""
    return max(file_bytes, held_bytes(file_bytes, compute_type)) + _BESIDE_BYTES


def estimated(name: str, measured: Mapping[str, float]) -> float | None:
    """Seconds of work per second of speech for a model that never ran here, from those in `measured` that did."""
    mine = usual(name)
    known = [factor / other.work for model, factor in measured.items() if (other := usual(model))]
    return known[0] * mine.work if known and mine else None
