"""Every word that the demo says itself, in Russian and English. The answers in the chat are the daemon's own."""

from __future__ import annotations

_TABLE = {
    "friend": {"ru": "Саша", "en": "Sasha"},
    "owner": {"ru": "Я", "en": "Me"},
    "saved": {"ru": "Избранное", "en": "Saved Messages"},
    "voice": {"ru": "Голосовое сообщение", "en": "Voice message"},
    "broken": {"ru": "повреждено по дороге", "en": "damaged on the way"},
    "took": {"ru": "через {seconds} с", "en": "after {seconds} s"},
    "edited": {"ru": "изменено {after}", "en": "edited {after}"},
    "intro_telegram": {
        "ru": "Telegram:  свой, в этом процессе, на 127.0.0.1:{port} (папка sandbox/)",
        "en": "Telegram:  our own, inside this process, on 127.0.0.1:{port} (the folder sandbox/)",
    },
    "intro_daemon": {
        "ru": "Программа: userbot.py как есть, отдельным процессом: свой Redis, Whisper {model}",
        "en": "Program:   userbot.py as it is, as its own process: its own Redis, Whisper {model}",
    },
    "intro_people": {
        "ru": "Люди:      {friend} шлёт голосовые обычным клиентом, отвечает ваш аккаунт",
        "en": "People:    {friend} sends voices with an ordinary client, your account answers",
    },
    "starting": {"ru": "Запускаю...", "en": "Starting..."},
    "started": {"ru": "Готово за {seconds} с", "en": "Ready in {seconds} s"},
    "waiting": {"ru": "Жду ответа...", "en": "Waiting for the answer..."},
    "all_well": {
        "ru": "✅ Ответов: {answers} из {asked}, ошибок в словах: {mean} % (допустимо {limit} %), всего {seconds} с",
        "en": "✅ Answers: {answers} of {asked}, wrong words: {mean} % (limit {limit} %), {seconds} s in all",
    },
    "not_well": {
        "ru": "❌ Ответов: {answers} из {asked}. {reason}",
        "en": "❌ Answers: {answers} of {asked}. {reason}",
    },
    "no_answer": {"ru": "Нет ответа: {what}.", "en": "No answer: {what}."},
    "wrong_words": {
        "ru": "{what}: ошибок в словах {rate} %, а допустимо {limit} %.",
        "en": "{what}: {rate} % of the words are wrong, the limit is {limit} %.",
    },
    "wrong_answer": {"ru": "{what}: ожидался ответ «{want}».", "en": "{what}: the answer should be “{want}”."},
    "no_start": {"ru": "Программа не запустилась:", "en": "The program did not start:"},
}


class DemoWords:
    """The sentences of one language: `say("took", seconds=3)`."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, /, **values: object) -> str:
        """The sentence called `key` with `values` in it."""
        return _TABLE[key][self.language].format_map(values)

    def after(self, seconds: float) -> str:
        """How long an answer took, as people of this language write it."""
        number = f"{seconds:.1f}" if seconds >= 1 else f"{seconds:.2f}"
        return self("took", seconds=number.replace(".", ",") if self.language == "ru" else number)
