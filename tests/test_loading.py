"""Which arithmetic a model works in."""

from __future__ import annotations

from pathlib import Path

import ctranslate2
import pytest

from transcriber.loading import chosen, open_model


@pytest.mark.parametrize(
    ("supported", "kind"),
    [
        ({"float32", "int8", "int8_float32"}, "int8"),
        ({"float32", "int8_float32"}, "int8_float32"),
        ({"float32"}, "float32"),
    ],
)
def test_auto_takes_the_least_work_that_the_processor_does_well(
    supported: set[str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctranslate2, "get_supported_compute_types", lambda device: supported)
    assert chosen("auto") == kind
    assert chosen("int16") == "int16"


@pytest.mark.parametrize(("setting", "said"), [("float32", "float32"), ("auto", "int8 (auto)")])
def test_a_loaded_model_says_how_it_computes_and_who_decided_that(setting: str, said: str, tiny_weights: Path) -> None:
    loaded = open_model(tiny_weights, "tiny.en", setting, 1)
    assert loaded.arithmetic == said
    assert loaded.model.model.compute_type in {said, "int8_float32"}  # what CTranslate2 calls int8 on a CPU
