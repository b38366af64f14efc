"""Progress for people: a bar on a terminal, log lines otherwise."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

from transcriber.texts import Words

log = logging.getLogger(__name__)

_LOG_STEP = 0.1  # one line for each tenth of a download


@contextmanager
def loading_progress(model: str, say: Words) -> Iterator[Callable[[float], None]]:
    """Gives a function that takes the fraction 0 … 1 of a model's download."""
    title = say("model_progress", model=model)
    if sys.stderr.isatty():
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(title, total=1.0)
            yield lambda fraction: progress.update(task, completed=fraction)
    else:
        yield _LogLines(title)


class _LogLines:
    def __init__(self, title: str) -> None:
        self._title = title
        self._next = 0.0

    def __call__(self, fraction: float) -> None:
        if fraction >= self._next:
            log.info("%s: %d %%", self._title, fraction * 100)
            self._next = fraction + _LOG_STEP
