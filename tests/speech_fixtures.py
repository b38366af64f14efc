"""Fixtures for everything that hears: real weights, real voices, one engine for all tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.weights import ROOT, weights
from transcriber.whisper import Whisper

VOICES = Path(__file__).parent / "voices"


@pytest.fixture(scope="session")
def base_weights() -> Path:
    """A folder with Whisper base."""
    return weights("base")


@pytest.fixture(scope="session")
def tiny_weights() -> Path:
    """A folder with Whisper tiny.en."""
    return weights("tiny.en")


@pytest.fixture
def voices() -> Path:
    """The folder with the recordings that manifest.json describes."""
    return VOICES


@pytest.fixture(scope="session")
def engine(base_weights: Path) -> Iterator[Whisper]:
    """Whisper base, loaded once; leave it loaded."""
    yield from _loaded(base_weights)


@pytest.fixture(scope="session")
def quick_engine(tiny_weights: Path) -> Iterator[Whisper]:
    """Whisper tiny.en, for tests that need much English and no other language; leave it loaded."""
    yield from _loaded(tiny_weights)


def _loaded(weights: Path) -> Iterator[Whisper]:
    whisper = Whisper(ROOT)
    asyncio.run(whisper.load(weights.name))
    yield whisper
    asyncio.run(whisper.close())
