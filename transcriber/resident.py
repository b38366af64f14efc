"""The one model in memory: loaded, switched, put away when nobody needs it. Voices wait meanwhile; none fails."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from transcriber import models
from transcriber.catalog import held_bytes, needed_bytes
from transcriber.errors import Interrupted, ModelUnavailable
from transcriber.loading import Loaded, let_go, open_model
from transcriber.memory import free_bytes, give_memory_back
from transcriber.threads import Check, Progress, in_thread, on_loop, until

log = logging.getLogger(__name__)

_AGAIN_S = 30.0  # between tries to bring a model back that was there and does not load any more
_QUIET_S = 5.0  # after it, memory that the last voices took goes back: 400 MB after 30 notes by base, 250 with this
_MB = 2**20

Trouble = Callable[[ModelUnavailable | None], object]


class Resident:
    """Its methods belong to the event loop and never block it.

    A model without users for `idle_s` seconds (0: never) is put away; `use` and `wake` bring it back.
    """

    def __init__(self, models_dir: Path, *, compute_type: str, threads: int, idle_s: float = 0.0) -> None:
        self.on_trouble: Trouble = lambda error: None  # hears why voices have to wait, and None when they no longer do
        self._models_dir = models_dir
        self._compute_type = compute_type
        self._threads = threads
        self._idle_s = idle_s
        self._loaded: Loaded | None = None
        self._wanted: tuple[str, Path] | None = None  # name and folder of the model in use, also while it is away
        self._present = asyncio.Event()
        self._switching = asyncio.Lock()  # one `load` at a time
        self._changing = asyncio.Lock()  # one model opened at a time
        self._returning: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None  # until the model is put away
        self._quiet: asyncio.TimerHandle | None = None  # until memory is given back
        self._closing = threading.Event()
        self._work = ThreadPoolExecutor(1, "whisper-load")

    @property
    def name(self) -> str:
        """Name of the model in use, also while it is put away; empty before the first load."""
        return self._wanted[0] if self._wanted else ""

    @property
    def arithmetic(self) -> str:
        """How the model in memory computes; what is set, while there is none."""
        return self._loaded.arithmetic if self._loaded else self._compute_type

    @property
    def is_away(self) -> bool:
        """Whether there is a model in use and it is not in memory."""
        return self._wanted is not None and self._loaded is None

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Loaded]:
        """The model, which stays until the block ends; its `model` must not be kept any longer.

        Waits while it is away, for as long as that takes. Raises ModelUnavailable before the first `load`,
        Interrupted when it is away after `leave`.
        """
        loaded = await self._ready()
        loaded.users += 1
        try:
            yield loaded
        finally:
            loaded.users -= 1
            if not loaded.users and loaded is not self._loaded:
                self._let_go(loaded)
            self._rest_later()
            self._tidy_later()

    async def _ready(self) -> Loaded:
        check = until(self._closing)
        while self._loaded is None:
            check()
            if self._wanted is None:
                raise ModelUnavailable("model_not_loaded")
            self.wake()
            await self._present.wait()
        return self._loaded

    def wake(self) -> None:
        """Work is coming: bring the model back, if it is away, and keep it for another `idle_s`."""
        if self.is_away and not self._closing.is_set() and (self._returning is None or self._returning.done()):
            self._returning = asyncio.create_task(self._return())
        self._rest_later()

    async def load(
        self, name: str, *, on_progress: Progress | None = None, trusted: bool = False, must_fit: bool = False
    ) -> None:
        """See `Whisper.load`."""
        given_up = threading.Event()
        check = until(self._closing, given_up)
        async with self._switching:
            check()
            fetch = self._fetching(name, trusted, must_fit or not trusted, check, on_loop(on_progress))
            folder = await in_thread(self._work, fetch, given_up)
            async with self._changing:
                try:
                    await self._make_room(folder)
                    self._become(await in_thread(self._work, self._opening(folder, name), given_up))
                    self._wanted = (name, folder)
                finally:
                    if self.is_away:  # there was no room for both, and the new one is none: back to the old one
                        self.wake()
                    self._rest_later()
        check()

    def _fetching(self, name: str, trusted: bool, must_fit: bool, check: Check, tell: Progress) -> Callable[[], Path]:
        room_bytes = self._held_bytes()

        def progress(fraction: float) -> None:
            check()
            tell(fraction)

        def admit(file_bytes: int) -> None:
            check()
            needed, free = needed_bytes(file_bytes, self._compute_type), free_bytes() + room_bytes
            if needed <= free:
                return
            refusal = ModelUnavailable("model_too_large", model=name, needed_mb=needed // _MB, free_mb=free // _MB)
            if must_fit:
                raise refusal
            # whoever wrote the settings may know better
            log.warning(
                "%s needs about %d MB and %d MB are free: trying it all the same", name, needed // _MB, free // _MB
            )

        return lambda: models.obtain(name, self._models_dir, trusted=trusted, on_progress=progress, admit=admit)

    def _opening(self, folder: Path, name: str) -> Callable[[], Loaded]:
        def work() -> Loaded:
            until(self._closing)()
            return open_model(folder, name, self._compute_type, self._threads)

        return work

    def _held_bytes(self) -> int:
        return held_bytes(self._loaded.file_bytes, self._compute_type) if self._loaded else 0

    async def _make_room(self, folder: Path) -> None:
        """Let the old model go first where both have no room; voices in work keep it until they are done."""
        old = self._loaded
        needed = needed_bytes((folder / "model.bin").stat().st_size, self._compute_type)
        if old is None or needed <= free_bytes():
            return
        self._become(None)
        while old.users:
            await old.unused.wait()
        del old
        await asyncio.wrap_future(self._work.submit(lambda: None))  # behind its letting go

    async def _return(self) -> None:
        """Load the model that is away, again and again if it must be."""
        while self.is_away and not self._closing.is_set():
            async with self._changing:
                if self._loaded is None:
                    await self._try_again()
            with suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN_S):
                    await self._present.wait()

    async def _try_again(self) -> None:
        assert self._wanted is not None
        name, folder = self._wanted
        try:
            self._become(await in_thread(self._work, self._opening(folder, name), threading.Event()))
        except ModelUnavailable as error:
            self.on_trouble(error)
        except Interrupted:
            pass  # `_return` sees that itself

    def _become(self, new: Loaded | None) -> None:
        """`new` is the model from now on; the old one goes when its last user has left."""
        old, self._loaded = self._loaded, new
        if new is None:
            self._present.clear()
        else:
            self._present.set()
            self.on_trouble(None)
            self._rest_later()
        if old is not None and not old.users:
            self._let_go(old)

    def _let_go(self, old: Loaded) -> None:
        old.unused.set()
        if not self._closing.is_set():
            self._work.submit(let_go, old)

    def _rest_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._idle_s and not self._closing.is_set():
            self._timer = asyncio.get_running_loop().call_later(self._idle_s, self._rest)

    def _tidy_later(self) -> None:
        if self._quiet is not None:
            self._quiet.cancel()
        if not self._closing.is_set():
            self._quiet = asyncio.get_running_loop().call_later(_QUIET_S, self._tidy)

    def _tidy(self) -> None:
        if self._loaded is not None and not self._loaded.users:
            self._work.submit(give_memory_back)

    def _rest(self) -> None:
        if self._loaded is not None and not self._loaded.users and not self._changing.locked():
            log.debug("%s had nothing to do for %g s and is put away", self._loaded.name, self._idle_s)
            self._become(None)

    def leave(self) -> None:
        """The program stops: whoever waits for a model is Interrupted, whoever has one may finish."""
        self._closing.set()
        self._present.set()
        for timer in (self._timer, self._quiet):
            if timer is not None:
                timer.cancel()

    async def close(self) -> None:
        """`leave`, and give the model back as soon as nobody works with it."""
        loaded, self._loaded = self._loaded, None
        if loaded is not None and not loaded.users and not self._closing.is_set():
            self._work.submit(let_go, loaded)
        self.leave()
        if self._returning is not None:
            await self._returning
        await asyncio.to_thread(self._work.shutdown)
