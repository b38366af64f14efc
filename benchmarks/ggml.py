"""The weights of a CTranslate2 folder as a file for whisper.cpp, so that both engines work with the same numbers.

Linear layers are quantised to q8_0 (blocks of 32 with one float16 scale), as whisper.cpp's own `quantize` does; the
layout is that of its `convert-pt-to-ggml.py`. Only models with 80 mel bands, all up to medium.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

MAGIC, F16_FILE, Q8_0_FILE = 0x67676D6C, 1, 2007  # 2007: q8_0 and version 2 of the quantisation
F32, F16, Q8_0 = 0, 1, 8
BLOCK = 32
POSITIONS, TEXT_POSITIONS, MELS = 1500, 448, 80
_TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)


def converted(folder: Path) -> Path:
    """A hidden file beside the folder, written at the first call."""
    file = folder.with_name(f".{folder.name}.q8_0.bin")
    if not file.exists():
        draft = file.with_suffix(".draft")
        with draft.open("wb") as out:
            _write(out, _variables(folder / "model.bin"), json.loads((folder / "tokenizer.json").read_text("utf-8")))
        draft.rename(file)
    return file


def _variables(file: Path) -> dict[str, Array]:
    """Name -> numbers, as CTranslate2 keeps them (model_spec.py, binary version 6)."""
    with file.open("rb") as stream:

        def number(form: str) -> int:
            return int(struct.unpack("<" + form, stream.read(struct.calcsize(form)))[0])

        def text() -> str:
            return stream.read(number("H")).rstrip(b"\0").decode()

        number("I"), text(), number("I")  # version, name and revision of the specification
        found: dict[str, Array] = {}
        for _ in range(number("I")):
            name = text()
            shape = [number("I") for _ in range(number("B"))]
            kind, size = number("B"), number("I")
            found[name] = np.frombuffer(stream.read(size), _TYPES[kind]).reshape(shape)
        for _ in range(number("I")):
            alias = text()
            found[alias] = found[text()]
    return found


def _write(out: BinaryIO, variables: dict[str, Array], tokenizer: dict[str, Any]) -> None:
    from faster_whisper.feature_extractor import FeatureExtractor

    width = len(variables["encoder/conv1/weight"])
    words = len(variables["decoder/embeddings/weight"])
    layers = [sum(name.startswith(f"{side}/layer_") and name.endswith("/ffn/linear_0/weight") for name in variables)
              for side in ("encoder", "decoder")]  # fmt: skip
    heads = width // 64
    _pack(out, "12i", MAGIC, words, POSITIONS, width, heads, layers[0], TEXT_POSITIONS, width, heads, layers[1], MELS,
          Q8_0_FILE)  # fmt: skip
    filters = FeatureExtractor.get_mel_filters(16_000, 400, MELS).astype(np.float32)
    _pack(out, "2i", *filters.shape)
    out.write(filters.tobytes())
    tokens = list(_tokens(tokenizer, words))
    _pack(out, "i", len(tokens))
    for token in tokens:
        _pack(out, "i", len(token))
        out.write(token)
    for name, values in _tensors(variables, width, layers):
        _write_tensor(out, name, values)


def _tokens(tokenizer: dict[str, Any], words: int) -> Iterator[bytes]:
    """The bytes of each ordinary token, in order."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]  # GPT-2's alphabet of bytes
    others = [byte for byte in range(256) if byte not in printable]
    byte_of = {chr(byte): byte for byte in printable} | {chr(256 + at): byte for at, byte in enumerate(others)}
    token_of = {number: token for token, number in tokenizer["model"]["vocab"].items()}
    for number in range(50_257 if words >= 51_865 else 50_256):
        token = token_of.get(number, "")
        yield bytes(byte_of[letter] for letter in token) if set(token) <= byte_of.keys() else token.encode()


def _tensors(variables: dict[str, Array], width: int, layers: list[int]) -> Iterator[tuple[str, Array]]:
    """OpenAI's names and shapes."""

    def plain(name: str) -> Array:
        return np.asarray(variables[name], np.float32)

    def norm(name: str, source: str) -> Iterator[tuple[str, Array]]:
        yield f"{name}.weight", plain(f"{source}/gamma")
        yield f"{name}.bias", plain(f"{source}/beta")

    def linear(name: str, source: str, part: slice = slice(None), bias: bool = True) -> Iterator[tuple[str, Array]]:
        yield f"{name}.weight", plain(f"{source}/weight")[part]
        if bias:
            yield f"{name}.bias", plain(f"{source}/bias")[part]

    query, key, value = slice(width), slice(width, 2 * width), slice(2 * width, None)
    yield "decoder.token_embedding.weight", plain("decoder/embeddings/weight")
    for side in ("encoder", "decoder"):
        yield f"{side}.positional_embedding", plain(f"{side}/position_encodings/encodings")
    for conv in ("conv1", "conv2"):
        yield f"encoder.{conv}.weight", plain(f"encoder/{conv}/weight")
        yield f"encoder.{conv}.bias", plain(f"encoder/{conv}/bias").reshape(-1, 1)
    yield from norm("encoder.ln_post", "encoder/layer_norm")
    yield from norm("decoder.ln", "decoder/layer_norm")
    for side, count in zip(("encoder", "decoder"), layers, strict=True):
        for layer in range(count):
            block, source = f"{side}.blocks.{layer}", f"{side}/layer_{layer}"
            yield from norm(f"{block}.mlp_ln", f"{source}/ffn/layer_norm")
            yield from linear(f"{block}.mlp.0", f"{source}/ffn/linear_0")
            yield from linear(f"{block}.mlp.2", f"{source}/ffn/linear_1")
            own = f"{source}/self_attention"
            yield from norm(f"{block}.attn_ln", f"{own}/layer_norm")
            yield from linear(f"{block}.attn.query", f"{own}/linear_0", query)
            yield from linear(f"{block}.attn.key", f"{own}/linear_0", key, bias=False)
            yield from linear(f"{block}.attn.value", f"{own}/linear_0", value)
            yield from linear(f"{block}.attn.out", f"{own}/linear_1")
            if side == "decoder":
                cross = f"{source}/attention"
                yield from norm(f"{block}.cross_attn_ln", f"{cross}/layer_norm")
                yield from linear(f"{block}.cross_attn.query", f"{cross}/linear_0")
                yield from linear(f"{block}.cross_attn.key", f"{cross}/linear_1", slice(width), bias=False)
                yield from linear(f"{block}.cross_attn.value", f"{cross}/linear_1", slice(width, None))
                yield from linear(f"{block}.cross_attn.out", f"{cross}/linear_2")


def _write_tensor(out: BinaryIO, name: str, values: Array) -> None:
    stays = values.ndim < 2 or name.endswith((".positional_embedding", "conv1.bias", "conv2.bias"))
    kind = F32 if stays else Q8_0 if values.ndim == 2 else F16
    _pack(out, "3i", values.ndim, len(name), kind)
    _pack(out, f"{values.ndim}i", *reversed(values.shape))
    out.write(name.encode())
    out.write(_quantised(values) if kind == Q8_0 else values.astype(np.float32 if stays else np.float16).tobytes())


def _quantised(values: Array) -> bytes:
    blocks = values.reshape(-1, BLOCK)
    scales = np.abs(blocks).max(1) / 127
    made = np.zeros(len(blocks), dtype=[("scale", "<f2"), ("steps", "i1", BLOCK)])
    made["scale"] = scales
    made["steps"] = np.clip(np.rint(blocks / np.maximum(scales, 1e-20)[:, None]), -127, 127)
    return made.tobytes()


def _pack(out: BinaryIO, form: str, *values: int) -> None:
    out.write(struct.pack("<" + form, *values))
