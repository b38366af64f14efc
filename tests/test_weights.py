"""What model.bin says about itself, from real files whole and torn."""

from __future__ import annotations

from pathlib import Path

import pytest

from transcriber.errors import ModelUnavailable
from transcriber.weights import decoder_layers


def test_the_decoder_s_layers_are_counted(base_weights: Path, tiny_weights: Path) -> None:
    assert decoder_layers(base_weights / "model.bin", "base") == 6
    assert decoder_layers(tiny_weights / "model.bin", "tiny.en") == 4


@pytest.mark.parametrize("kept", [0, 3, 100, 5_000, 40_000_000, 75_537_000])
def test_a_file_that_ends_anywhere_too_early_is_torn(kept: int, tiny_weights: Path, tmp_path: Path) -> None:
    torn = tmp_path / "model.bin"
    torn.write_bytes((tiny_weights / "model.bin").read_bytes()[:kept])
    with pytest.raises(ModelUnavailable, match="model_torn"):
        decoder_layers(torn, "tiny.en")


def test_a_file_of_something_else_is_torn_too(tmp_path: Path) -> None:
    other = tmp_path / "model.bin"
    other.write_bytes(b"<html>" * 1000)
    with pytest.raises(ModelUnavailable, match="model_torn"):
        decoder_layers(other, "page")
