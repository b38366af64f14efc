"""Names and terms that may come up: for every chat (the setting HOTWORDS), and for one (`/words`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transcriber.errors import Rejected

if TYPE_CHECKING:
    from transcriber.state import State
    from transcriber.texts import Words

# Whisper's prompt has 223 tokens. Russian names take a token for every 1.8 letters (English ones: 2.9) in Whisper's
# own tokenizer, so that a chat's list and HOTWORDS fit in together.
MOST_CHARS = 200
_NONE = ("-", "off")


def tidy(text: str) -> str:
    """A list with commas between, each word or name once. Raises Rejected when it is over MOST_CHARS."""
    names = (" ".join(name.split()) for name in text.split(","))
    tidied = ", ".join(dict.fromkeys(filter(None, names)))
    if len(tidied) > MOST_CHARS:
        raise Rejected("words_too_long", count=len(tidied), most=MOST_CHARS)
    return tidied


def together(*lists: str) -> str:
    """Several lists as one."""
    return ", ".join(dict.fromkeys(name for names in lists if names for name in names.split(", ")))


async def answer_words(state: State, say: Words, chat_id: int, argument: str, everywhere: str) -> str:
    """What `/words` answers in a chat; `everywhere` is HOTWORDS. Raises Rejected for a list that is too long."""
    if argument.lower() in _NONE:
        await state.set_words(chat_id, "")
        return say("words_off")
    if argument:
        await state.set_words(chat_id, tidy(argument))
    shown = say("words", words=await state.words(chat_id) or "—")
    return f"{shown}\n{say('words_everywhere', words=everywhere)}" if everywhere else shown
