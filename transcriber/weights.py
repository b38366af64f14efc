"""What model.bin says about itself, read in milliseconds and before anything is loaded."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import BinaryIO

from transcriber.errors import ModelUnavailable

_LAYER = re.compile(r"decoder/layer_(\d+)/")


def decoder_layers(file: Path, name: str) -> int:
    """How many layers the decoder of the model called `name` has, by the list of weights in its `file`.

    Raises ModelUnavailable when the file is torn: it is read to its announced end (ctranslate2, src/models/model.cc).
    """
    try:
        with file.open("rb") as weights:
            names = _names(weights)
            if weights.tell() > file.stat().st_size:
                raise ModelUnavailable("model_torn", model=name, folder=file.parent)
    except (OSError, struct.error, UnicodeDecodeError) as error:
        raise ModelUnavailable("model_torn", model=name, folder=file.parent) from error
    return 1 + max((int(found[1]) for line in names if (found := _LAYER.match(line))), default=0)


def _names(weights: BinaryIO) -> list[str]:
    """The name of each tensor; the numbers between them are passed over."""
    (version,) = _numbers(weights, "<I")
    if version >= 2:
        _text(weights)
        _numbers(weights, "<I")  # the specification's name and revision
    (count,) = _numbers(weights, "<I")
    return [_tensor(weights, version) for _ in range(count)]


def _tensor(weights: BinaryIO, version: int) -> str:
    name = _text(weights)
    (rank,) = _numbers(weights, "<B")
    _numbers(weights, f"<{rank}I")
    kind, size = _numbers(weights, "<BI")
    weights.seek(size if version >= 4 else size * kind, 1)  # older files have the size of an item there
    return name


def _text(weights: BinaryIO) -> str:
    (length,) = _numbers(weights, "<H")
    return weights.read(length).rstrip(b"\0").decode()


def _numbers(weights: BinaryIO, form: str) -> tuple[int, ...]:
    return struct.unpack(form, weights.read(struct.calcsize(form)))
