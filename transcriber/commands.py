"""The owner's commands: a table of functions that return text. The command message is edited into the answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from transcriber.errors import Gone, Lost, Refused, Rejected, RetryLater, TranscriberError
from transcriber.intake import Intake
from transcriber.model_choice import ModelChoice
from transcriber.parts import shortened
from transcriber.privacy import EVERYBODY, Privacy
from transcriber.redis_client import RedisTrouble
from transcriber.retries import Retries
from transcriber.state import State
from transcriber.status import Status
from transcriber.texts import Words
from transcriber.tongues import answer_lang
from transcriber.vocabulary import answer_words
from transcriber.voice import Command, Person, label

log = logging.getLogger(__name__)

Tell = Callable[[str], Awaitable[None]]
_AGAIN_S = (2.0, 5.0, 15.0, 60.0)  # between tries to edit when Telegram names no time
_MAX_USER_ID = 2**53  # https://core.telegram.org/api/bots/ids
_NOBODY = {"PEER_ID_INVALID", "USER_ID_INVALID", "USERNAME_INVALID", "USERNAME_NOT_OCCUPIED"}


class People(Protocol):
    """Looking people up and editing our own messages. Raises Refused, RetryLater, Lost, Gone."""

    async def person(self, who: int | str) -> Person: ...
    async def sender(self, chat_id: int, message_id: int) -> Person: ...
    async def edit(self, chat_id: int, message_id: int, text: str) -> None: ...


class Commands:
    """Runs one command at a time in the background; the update handler only calls `on_command`."""

    def __init__(
        self,
        people: People,
        models: ModelChoice,
        state: State,
        intake: Intake,
        status: Status,
        retries: Retries,
        privacy: Privacy,
        say: Words,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        *,
        hotwords: str = "",
    ) -> None:
        self._people = people
        self._models = models
        self._state = state
        self._intake = intake
        self._status = status
        self._retries = retries
        self._privacy = privacy
        self._say = say
        self._spawn = spawn
        self._hotwords = hotwords
        self.table: dict[str, Callable[[Command, str, Tell], Awaitable[str]]] = {
            "status": self._show_status,
            "model": self._model,
            "lang": self._lang,
            "words": self._words,
            "add": self._add,
            "remove": self._remove,
            "list": self._list,
            "retry": self._retry,
            "forget": self._forget,
            "privacy": self._show_privacy,
            "help": self._help,
        }

    async def on_command(self, command: Command) -> None:
        """Start the command if it is one of ours; others belong to somebody else and stay untouched."""
        name, _, argument = command.text[1:].partition(" ")
        if name.lower() in self.table:
            self._spawn(self._run(command, name.lower(), argument.strip()))

    async def _run(self, command: Command, name: str, argument: str) -> None:
        async def tell(text: str) -> None:
            await self._people.edit(command.chat_id, command.message_id, shortened(text))

        try:
            answer = await self.table[name](command, argument, tell)
        except RedisTrouble:
            answer = self._say("command_no_redis")
        except Refused as error:
            answer = self._say("nobody") if error.code in _NOBODY else self._say.error(error)
        except Gone:
            answer = self._say("nobody")
        except (RetryLater, Lost) as error:
            answer = self._say.error(error)
        except Exception as error:
            log.exception("/%s", name)
            answer = self._say("unexpected_error", error=type(error).__name__)
        await self._finish(command, answer)

    async def _finish(self, command: Command, answer: str) -> None:
        """The command message becomes the answer, also after a FloodWait or while the session is replaced."""
        for pause_s in (*_AGAIN_S, None):
            try:
                await self._people.edit(command.chat_id, command.message_id, shortened(answer))
                return
            except (RetryLater, Lost) as error:
                if pause_s is None:
                    log.warning("a command stays without its answer: %s", error)
                    return
                named_s = error.after_s if isinstance(error, RetryLater) else None
                await asyncio.sleep(pause_s if named_s is None else named_s)
            except TranscriberError as error:
                log.warning("a command stays without its answer: %s", error)
                return

    async def _show_status(self, _command: Command, _argument: str, _tell: Tell) -> str:
        return await self._status.text()

    async def _help(self, _command: Command, _argument: str, _tell: Tell) -> str:
        return self._say("help")

    async def _list(self, _command: Command, _argument: str, _tell: Tell) -> str:
        people = await self._state.tracked()
        lines = [f"• {name} ({user_id})" for user_id, name in sorted(people.items(), key=lambda item: item[1].lower())]
        return "\n".join([self._say("tracked_count", count=len(people)), *lines])

    async def _model(self, _command: Command, argument: str, tell: Tell) -> str:
        return await (self._models.switch(argument, tell) if argument else self._models.text())

    async def _lang(self, command: Command, argument: str, _tell: Tell) -> str:
        person = await self._whom(command, "")
        try:
            return await answer_lang(self._state, self._say, person, argument)
        except Rejected as error:
            return self._say.error(error)

    async def _words(self, command: Command, argument: str, _tell: Tell) -> str:
        try:
            return await answer_words(self._state, self._say, command.chat_id, argument, self._hotwords)
        except Rejected as error:
            return self._say.error(error)

    async def _add(self, command: Command, argument: str, _tell: Tell) -> str:
        person = await self._whom(command, argument)
        if person is None:
            return self._say("add_whom")
        is_new = await self._state.track(person)
        await self._intake.reload()
        return self._say("added" if is_new else "added_already", name=person.name, id=person.user_id)

    async def _remove(self, command: Command, argument: str, _tell: Tell) -> str:
        person = await self._known(argument) or await self._whom(command, argument)
        if person is None:
            return self._say("remove_whom")
        if not await self._state.untrack(person.user_id):
            return self._say("not_tracked", name=person.name)
        await self._intake.reload()
        return self._say("removed", name=person.name)

    async def _retry(self, command: Command, _argument: str, _tell: Tell) -> str:
        count = await self._retries.again(command.chat_id, command.reply_to_id)
        return self._say("retrying", count=count) if count else self._say("retry_nothing")

    async def _forget(self, command: Command, argument: str, _tell: Tell) -> str:
        if argument.lower() in EVERYBODY:
            erased, name = await self._privacy.forget(None), self._say("forgot_everybody")
        else:
            person = await self._known(argument)
            if person is None and argument.isdecimal():  # an id is enough, also of an account that is gone
                person = Person(int(_who(argument)), argument)
            person = person or await self._whom(command, argument)
            if person is None:
                return self._say("forget_whom")
            erased, name = await self._privacy.forget(person.user_id), person.name
        answer = self._say("forgot", name=name, count=erased.voices)
        return f"{answer}\n{self._say('forgot_later', count=erased.waiting)}" if erased.waiting else answer

    async def _show_privacy(self, _command: Command, _argument: str, _tell: Tell) -> str:
        return self._privacy.text(label(self._models.model))

    async def _known(self, argument: str) -> Person | None:
        """Somebody tracked, by id or name: no look-up needed, so it works even when their account is gone."""
        people = (await self._state.tracked()).items() if argument else ()
        named = (Person(user, name) for user, name in people if argument.lower() in (str(user), name.lower()))
        return next(named, None)

    async def _whom(self, command: Command, argument: str) -> Person | None:
        """The person meant: an id, an @name, or the author of the message replied to."""
        if argument:
            return await self._people.person(_who(argument))
        if command.reply_to_id:
            return await self._people.sender(command.chat_id, command.reply_to_id)
        return None


def _who(argument: str) -> int | str:
    """An id or a @name. Raises Refused for what cannot be either, without asking Telegram."""
    if not argument.removeprefix("-").isdecimal():
        return argument
    user_id = int(argument)
    if not 0 < user_id < _MAX_USER_ID:
        raise Refused("USER_ID_INVALID")
    return user_id
