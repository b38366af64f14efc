"""The usual models: how large they are, how much work they make, and how much memory one needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_MB = 2**20
# Beside the weights, while they are converted and for the work afterwards: 97 to 121 MB for tiny, base and small.
_BESIDE_BYTES = 130 * _MB
_SHARE = {"int16": 1.1, "float32": 2.2, "float16": 2.2, "bfloat16": 2.2}  # in relation to the file; no CPU has the last


@dataclass(frozen=True, slots=True)
class Usual:
    """A model that people choose. `work` is the time for one note of 10 s in relation to base."""

    file_mb: int
    work: float


# model.bin on the hub; work as benchmarks/model_costs.py measured it on weights of the true shapes.
USUAL: Mapping[str, Usual] = {
    "tiny": Usual(72, 0.6),
    "base": Usual(138, 1.0),
    "small": Usual(461, 3.0),
    "medium": Usual(1457, 9.0),
    "large-v3-turbo": Usual(1543, 11.0),
    "distil-large-v3": Usual(1443, 10.0),
    "large-v3": Usual(2944, 18.0),
}


_SAME = {"turbo": "large-v3-turbo", "large": "large-v3", "large-v2": "large-v3", "large-v1": "large-v3"}


def usual(name: str) -> Usual | None:
    """The entry of a model, or of the one of the same shape: base.en is as large as base."""
    name = name.removesuffix(".en")
    return USUAL.get(_SAME.get(name, name))


def held_bytes(file_bytes: int, compute_type: str) -> int:
    """What a model of which model.bin (half precision) has `file_bytes` takes in memory once it is loaded.

    Base: 86 MB as int8, 305 MB as float32, for 138 MB of file (benchmarks/model_costs.py).
    """
    return int(file_bytes * _SHARE.get(compute_type, 0.7))


def needed_bytes(file_bytes: int, compute_type: str) -> int:
    """What must be free for it: the file is in memory while it is converted, or the result beside its work."""
    return max(file_bytes, held_bytes(file_bytes, compute_type)) + _BESIDE_BYTES


def estimated(name: str, measured: Mapping[str, float]) -> float | None:
    """Seconds of work per second of speech for a model that never ran here, from those in `measured` that did."""
    mine = usual(name)
    known = [factor / other.work for model, factor in measured.items() if (other := usual(model))]
    return known[0] * mine.work if known and mine else None
