"""What survives a restart: the only module that speaks Redis commands. All keys begin with `vt:`.

vt:tracked      hash    user id -> name
vt:model        string  the chosen model
vt:lang         hash    user id or "all" -> the language set with /lang
vt:spoken       hash    user id -> LanguageHint (JSON)
vt:words        hash    chat id -> names and terms set with /words
vt:accepted     hash    chat:message -> Voice (JSON); a voice stays here until its one outcome is visible
vt:voice:C:M    hash    outcome, sender, verdict, starts, failures, forget (keep nothing of
                        it once it has its outcome), heard (hashes of vt:heard); more of /retry in rounds.py
vt:transcript:C:M       string  Transcript (JSON); lives transcript_ttl_s
vt:heard:H      string  what was heard, and how (a hash) -> chat:message, whose transcript it is; transcript_ttl_s
vt:drafts       hash    see drafts.py
vt:given_up     hash    chat:message -> reason and Voice (JSON)
vt:chats        hash    chats to look through after an absence -> last time somebody tracked was seen there
vt:cursors      hash    chat -> last message id of a completed scan
vt:flood_until  string  Unix time before which Telegram wants no connection
vt:counters     hash    outcome -> how many
vt:totals, vt:hour:N, vt:speed  hash    see tally.py
vt:errors       list    see journal.py
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from typing import Any, cast

from redis.asyncio import Redis

from transcriber import rounds, tally
from transcriber.languages import LanguageHint
from transcriber.recall import finite, numbers, recall, voices
from transcriber.redis_client import reply_of
from transcriber.voice import Person, Transcript, Voice

log = logging.getLogger(__name__)

MARK_TTL_S = 90 * 86_400  # delivered marks outlive Telegram's memory of random ids and any catch-up
_GIVEN_UP_KEPT = 1_000


class State:
    """Typed access to Redis; `redis` must decode responses. Every method may raise RedisTrouble."""

    def __init__(self, redis: Redis, *, transcript_ttl_s: float = 30 * 86_400) -> None:
        self.redis = redis
        self.transcript_ttl_s = transcript_ttl_s

    # --- people and model ---
    async def tracked(self) -> dict[int, str]:
        """User id -> name of everybody whose voices are transcribed."""
        people = await reply_of(self.redis.hgetall("vt:tracked"))
        return {user: people[str(user)] for user in numbers(people) if str(user) in people}

    async def track(self, person: Person) -> bool:
        """Add or rename `person`; False when they were tracked already."""
        return bool(await reply_of(self.redis.hset("vt:tracked", str(person.user_id), person.name)))

    async def untrack(self, user_id: int) -> bool:
        """Remove a person; False when they were not tracked."""
        return bool(await reply_of(self.redis.hdel("vt:tracked", str(user_id))))

    async def first_time(self, what: str) -> bool:
        """True once for each `what`: initial settings must not come back after the owner removed them."""
        return bool(await reply_of(self.redis.sadd("vt:seeded", what)))

    async def model(self) -> str | None:
        """The model chosen with /model, if any."""
        return cast("str | None", await reply_of(self.redis.get("vt:model")))

    async def set_model(self, name: str) -> None:
        """Remember the model for the next start."""
        await reply_of(self.redis.set("vt:model", name))

    # --- languages and words ---
    async def forced_languages(self) -> dict[str, str]:
        """User id, or "all", -> the code set with /lang."""
        return cast("dict[str, str]", await reply_of(self.redis.hgetall("vt:lang")))

    async def force_language(self, whose: str, code: str | None) -> None:
        """Decode everything of `whose` (a user id or "all") as `code`; None lets it be detected again."""
        change = self.redis.hset("vt:lang", whose, code) if code else self.redis.hdel("vt:lang", whose)
        await reply_of(change)

    async def spoken(self, user_id: int) -> LanguageHint | None:
        """What somebody was last heard to speak."""
        line = await reply_of(self.redis.hget("vt:spoken", str(user_id)))
        return recall(LanguageHint.from_json, line)

    async def keep_spoken(self, user_id: int, hint: LanguageHint) -> None:
        """Remember what somebody speaks."""
        await reply_of(self.redis.hset("vt:spoken", str(user_id), hint.to_json()))

    async def words(self, chat_id: int) -> str:
        """Names and terms that may come up in a chat, commas between."""
        return str(await reply_of(self.redis.hget("vt:words", str(chat_id))) or "")

    async def set_words(self, chat_id: int, words: str) -> None:
        """Set them, or (empty) forget them."""
        change = (
            self.redis.hset("vt:words", str(chat_id), words) if words else self.redis.hdel("vt:words", str(chat_id))
        )
        await reply_of(change)

    # --- the life of one voice ---
    async def accept(self, voice: Voice) -> bool:
        """Put the voice on the books unless it already has its outcome; True when it still needs one."""
        if await reply_of(self.redis.hexists(f"vt:voice:{voice.key}", "outcome")):
            return False
        await reply_of(self.redis.hsetnx("vt:accepted", voice.key, voice.to_json()))
        return True

    async def accepted(self) -> list[Voice]:
        """Every voice without an outcome, oldest first. What is no voice goes off the books, with a word in the log."""
        lines = await reply_of(self.redis.hgetall("vt:accepted"))
        found = voices(lines)
        for key in lines.keys() - found.keys():
            log.warning("Redis: the voice %s cannot be read; /retry in reply to it takes it up again", key)
            await reply_of(self.redis.hdel("vt:accepted", key))
        return sorted(found.values(), key=lambda voice: voice.sent_at)

    async def pending(self, key: str) -> Voice | None:
        """The voice called `key`, or None when it already has its outcome."""
        line = await reply_of(self.redis.hget("vt:accepted", key))
        return voices({key: line}).get(key) if line else None

    async def transcript(self, key: str) -> Transcript | None:
        """The transcript kept for the voice called `key`."""
        line = await reply_of(self.redis.get(f"vt:transcript:{key}"))
        return recall(Transcript.from_json, line)

    async def keep_transcript(self, key: str, transcript: Transcript, heard: Sequence[str] = ()) -> None:
        """Keep the text before the reply, so that a retry never transcribes twice; `echo` finds it by `heard`."""
        lifetime_s = max(int(self.transcript_ttl_s), 7 * 86_400)  # at least until it has been delivered
        async with self.redis.pipeline(transaction=True) as pipeline:
            pipeline.set(f"vt:transcript:{key}", transcript.to_json(), ex=lifetime_s)
            if heard:
                pipeline.hset(f"vt:voice:{key}", "heard", " ".join(heard))
                pipeline.expire(f"vt:voice:{key}", MARK_TTL_S)
            for name in heard:
                pipeline.set(f"vt:heard:{name}", key, ex=lifetime_s)
            await reply_of(pipeline.execute())

    async def improve(self, key: str, transcript: Transcript) -> None:
        """Keep a better text for as long as the one it replaces, unless that was forgotten."""
        await reply_of(self.redis.set(f"vt:transcript:{key}", transcript.to_json(), xx=True, keepttl=True))

    async def echo(self, heard: str) -> Transcript | None:
        """The transcript of another voice that was `heard` (a hash), unless it was forgotten or retried since."""
        key = await reply_of(self.redis.get(f"vt:heard:{heard}"))
        if key is None or heard not in (await self.marks(key)).get("heard", "").split():
            return None
        return await self.transcript(key)

    async def mark(self, key: str, field: str, value: str = "1") -> None:
        """Set one mark of a voice (see the module's list)."""
        async with self.redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(f"vt:voice:{key}", field, value)
            pipeline.expire(f"vt:voice:{key}", MARK_TTL_S)
            await reply_of(pipeline.execute())

    async def marks(self, key: str) -> dict[str, str]:
        """All marks of a voice."""
        return cast("dict[str, str]", await reply_of(self.redis.hgetall(f"vt:voice:{key}")))

    async def count(self, key: str, what: str) -> int:
        """Count one more of `what` (starts, failures) for this voice and say how many there were."""
        async with self.redis.pipeline(transaction=True) as pipeline:
            pipeline.hincrby(f"vt:voice:{key}", what, 1)
            pipeline.expire(f"vt:voice:{key}", MARK_TTL_S)
            return int((await reply_of(pipeline.execute()))[0])

    async def close(self, voice: Voice, outcome: str) -> None:
        """The outcome is visible: take the voice off the books, all or nothing. Done again, it counts once."""
        marks, transcript = f"vt:voice:{voice.key}", f"vt:transcript:{voice.key}"
        now, ttl_s = time.time(), int(self.transcript_ttl_s)
        async with self.redis.pipeline(transaction=True) as pipeline:
            await reply_of(pipeline.watch(marks))  # WatchError, a RedisTrouble, when it changes meanwhile
            forget, heard, known = await reply_of(pipeline.hmget(marks, "forget", "heard", "outcome"))
            kept = [transcript, *(f"vt:heard:{name}" for name in (heard or "").split())]
            pipeline.multi()  # type: ignore[no-untyped-call]  # redis-py
            pipeline.hset(marks, mapping={"outcome": outcome, "sender": voice.sender_id})
            pipeline.expire(marks, max(MARK_TTL_S, ttl_s))  # they lead /forget to the transcript
            pipeline.hdel("vt:accepted", voice.key)
            if not known:
                pipeline.hincrby("vt:counters", outcome, 1)
                pipeline.hset("vt:last", mapping={"outcome": outcome, "at": now, "sent_at": voice.sent_at})
                tally.add(pipeline, tally.of_outcome(outcome, max(0.0, now - voice.sent_at)), now)
            if forget or not ttl_s:
                pipeline.delete(*kept)
            for name in kept:
                pipeline.expire(name, ttl_s)
            if forget:
                pipeline.hdel(marks, "forget", "sender", "verdict", "heard")
                pipeline.hdel("vt:given_up", voice.key)
            await reply_of(pipeline.execute())

    async def give_up(self, voice: Voice, reason: str) -> None:
        """Remember a voice that has no transcript, so that /status shows it and /retry can take it up."""
        entry = json.dumps({"reason": reason, "voice": voice.to_json(), "at": time.time()})
        await reply_of(self.redis.hset("vt:given_up", voice.key, entry))
        if await reply_of(self.redis.hlen("vt:given_up")) > _GIVEN_UP_KEPT:
            await reply_of(self.redis.hdel("vt:given_up", next(iter(await self.given_up()))))

    async def given_up(self) -> dict[str, Voice]:
        """chat:message -> the voice, in the order in which they were sent."""
        entries = await reply_of(self.redis.hgetall("vt:given_up"))
        lines = {key: recall(lambda entry: str(json.loads(entry)["voice"]), entry) for key, entry in entries.items()}
        found = voices({key: line for key, line in lines.items() if line is not None})
        return dict(sorted(found.items(), key=lambda item: item[1].sent_at))

    async def reopen(self, voice: Voice, *, thorough: bool = False) -> None:
        """Take a closed voice up again, with new random ids (the next round) and without its old text."""
        fresh: dict[Any, str] = rounds.opened(await self.marks(voice.key), thorough=thorough)
        async with self.redis.pipeline(transaction=True) as pipeline:
            pipeline.delete(f"vt:voice:{voice.key}", f"vt:transcript:{voice.key}")
            pipeline.hset(f"vt:voice:{voice.key}", mapping=fresh)
            pipeline.expire(f"vt:voice:{voice.key}", MARK_TTL_S)
            pipeline.hset("vt:accepted", voice.key, voice.to_json())
            pipeline.hdel("vt:given_up", voice.key)
            await reply_of(pipeline.execute())

    # --- chats and cursors ---
    async def saw_chat(self, chat_id: int) -> None:
        """Somebody tracked was seen in this chat: look through it after an absence."""
        await reply_of(self.redis.hset("vt:chats", str(chat_id), str(time.time())))

    async def chats(self) -> list[int]:
        """Every chat where somebody tracked was seen."""
        return numbers(await reply_of(self.redis.hkeys("vt:chats")))

    async def cursor(self, chat_id: int) -> int:
        """The last message id of a completed scan; 0 when the chat was never scanned."""
        return recall(int, await reply_of(self.redis.hget("vt:cursors", str(chat_id)))) or 0

    async def move_cursor(self, chat_id: int, message_id: int) -> None:
        """Only after a completed scan: a live update must not hide what came before it."""
        await reply_of(self.redis.hset("vt:cursors", str(chat_id), str(message_id)))

    # --- Telegram's wishes, counters ---
    async def flood_until(self) -> float:
        """Unix time before which Telegram wants no connection; 0 when it does not mind."""
        return recall(finite, await reply_of(self.redis.get("vt:flood_until"))) or 0.0

    async def set_flood_until(self, until: float) -> None:
        """Remember what Telegram asked, so that a restart waits only the rest."""
        await reply_of(self.redis.set("vt:flood_until", str(until), ex=max(1, int(until - time.time()))))
