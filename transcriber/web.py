"""The status port: /healthz, /status, /metrics and the page. It only reads, and it shows nothing of any chat."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from transcriber.facts import Observer
from transcriber.health import Health
from transcriber.metrics import CONTENT_TYPE, exposition
from transcriber.page import POLICY, page
from transcriber.redis_client import RedisTrouble
from transcriber.texts import Words
from transcriber.verdict import verdict

log = logging.getLogger(__name__)

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class StatusPort:
    """Serves from `run` until that is cancelled; port 0 takes any that is free."""

    def __init__(self, observer: Observer, health: Health, say: Words, *, host: str, port: int) -> None:
        self._observer = observer
        self._health = health
        self._say = say
        self._host = host
        self._port = port

    async def run(self) -> None:
        """Serve. A port that cannot be had is logged: the voices matter more than the page."""
        runner = web.AppRunner(self._application(), access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
            log.info(self._say("status_port", host=self._host, port=runner.addresses[0][1]))
            await asyncio.Event().wait()
        except OSError as error:
            log.error(self._say("status_port_taken", host=self._host, port=self._port, error=error.strerror or error))
        finally:
            await runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=1024)
        application.on_response_prepare.append(_add_headers)
        routes: dict[str, Handler] = {
            "/": self._page,
            "/healthz": self._healthz,
            "/status": self._status,
            "/metrics": self._metrics,
        }
        for path, handler in routes.items():
            application.router.add_get(path, handler, allow_head=False)
        return application

    async def _verdict(self) -> tuple[bool, str]:
        try:
            return verdict(self._say, await self._health.beat(), time.time())
        except RedisTrouble as error:
            return False, self._say("redis_unreachable", error=error)

    async def _healthz(self, _request: web.Request) -> web.Response:
        well, sentence = await self._verdict()
        return web.Response(text=sentence + "\n", status=200 if well else 503)

    async def _status(self, _request: web.Request) -> web.Response:
        well, sentence = await self._verdict()
        facts = await self._observer.facts()
        return web.json_response({"well": well, "verdict": sentence, **facts.plain()})

    async def _metrics(self, _request: web.Request) -> web.Response:
        body = exposition(await self._observer.facts())
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def _page(self, _request: web.Request) -> web.Response:
        well, sentence = await self._verdict()
        text = page(await self._observer.facts(), well, sentence, self._say)
        return web.Response(text=text, content_type="text/html")


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
    response.headers.popall("Server", None)
