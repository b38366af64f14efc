"""Errors, named for what the caller does next. Each carries the key of a sentence in texts.toml, never the sentence."""

from __future__ import annotations


class TranscriberError(Exception):
    """The root: `Words.error` turns its key and values into a sentence a person can act on."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = values

    def __str__(self) -> str:
        return f"{self.key} {self.values}" if self.values else self.key


class RetryLater(TranscriberError):
    """Nothing is wrong with the voice: do it again, after `after_s` seconds when somebody named a time."""

    def __init__(self, key: str, after_s: float | None = None, **values: object) -> None:
        super().__init__(key, **values)
        self.after_s = after_s


class Rejected(TranscriberError):
    """This voice will never have a transcript: tell the sender why and close the job."""


class Gone(TranscriberError):
    """The message was deleted before its turn: close the job and say nothing."""


class Interrupted(TranscriberError):
    """The program is stopping: leave the job to the next start."""


class ModelUnavailable(TranscriberError):
    """The model cannot be loaded: keep the old one and say why."""


class ActionNeeded(TranscriberError):
    """Only a person can mend this: say how, exit with code 3, and do not try again."""


class Lost(TranscriberError):
    """The session is broken: replace it after a pause."""


class Refused(TranscriberError):
    """Telegram understood the call and said no; `code` is its own word for it, like PEER_ID_INVALID."""

    def __init__(self, code: str) -> None:
        super().__init__("api_error", error=code)
        self.code = code
