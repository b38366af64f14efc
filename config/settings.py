"""The settings: from the environment, then from `.env`; every mistake is reported at once, in words."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import Annotated, Literal

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from config import values
from config.cpu import usable_cores
from transcriber.texts import LANGUAGES, Words

_DAY_S = 86400.0
COMPUTE_TYPES = (  # CTranslate2's list; which of them this CPU does well is the engine's question
    *("default", "auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16"),
    *("int16", "float16", "bfloat16", "float32"),
)


class SettingsError(Exception):
    """The settings cannot be used; `sentences` say why, one for each mistake, without any secret."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


def variable_name(field: str) -> str:
    """The environment variable of a field: the same name without its unit."""
    return re.sub(r"_(s|bytes)$", "", field).upper()


class Settings(BaseSettings):
    """Names end in their unit; the environment's names do not (`PING_INTERVAL=30s` is `ping_interval_s`)."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_file_encoding="utf-8-sig",  # Notepad's byte order mark is not part of the first name
        env_ignore_empty=True,
        validate_default=False,
        alias_generator=variable_name,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    api_id: Annotated[int, values.api_id] = 0
    """The number of your Telegram application, from https://my.telegram.org (API development tools)."""
    api_hash: Annotated[SecretStr, values.api_hash] = SecretStr("")
    """The secret that belongs to it: 32 hexadecimal digits."""
    data_dir: Annotated[Path, values.folder] = Path("data")
    """Where the session, the embedded Redis and passing files live."""
    session_name: Annotated[str, values.session_name] = "voice_transcriber"
    """The name of the session file, without `.session`."""
    redis_url: Annotated[SecretStr, values.redis_url] = SecretStr("")
    """A Redis of your own (`redis://`, `rediss://`, `unix://`); empty: a private one that lives with the program."""
    whisper_model: str = "small"
    """A size name, an id on the Hugging Face hub, or a folder."""
    refine_model: str = ""
    """A stronger model that hears again, while nothing is in work, what was answered; empty: none."""
    compute_type: Annotated[str, values.choice(*COMPUTE_TYPES)] = "auto"
    """The arithmetic CTranslate2 works in; `auto`: what costs this processor the least work and memory."""
    model_idle_minutes: Annotated[float, values.decimal(0, 10080)] = 0.0
    """Minutes without voices after which the model gives its memory back; 0: never."""
    cpu_threads: Annotated[int, values.number(1, 256)] = usable_cores()
    """Threads for one transcription; by default as many as the cores the process may use."""
    tracked_users: Annotated[tuple[int | str, ...], NoDecode, values.users] = ()
    """Whose voices are taken at the first start: ids and @names; later `/add` and `/remove` decide."""
    language: Annotated[Literal["ru", "en"], values.choice(*LANGUAGES)] = "ru"
    """The language of everything that people read."""
    status_port: Annotated[int, values.number(0, 65535)] = 0
    """Where the status page, /healthz, /status and /metrics are; 0: nowhere."""
    status_host: Annotated[str, values.host] = "127.0.0.1"
    """The address they are at; any but 127.0.0.1 lets others look."""
    log_level: Annotated[str, values.choice("DEBUG", "INFO", "WARNING", "ERROR", fold=str.upper)] = "INFO"
    """The least important lines that are shown."""
    log_format: Annotated[Literal["text", "json"], values.choice("text", "json")] = "text"
    """Lines for people, or JSON for a log collector."""
    catch_up_max_age_s: Annotated[float, values.duration("0s", "365d")] = 7 * _DAY_S
    """The oldest voice that is still taken after a time offline; 0: only what arrives live."""
    catch_up_interval_s: Annotated[float, values.duration("1s", "1d")] = 300.0
    """How often the chats are read for voices that no update announced."""
    transcript_ttl_s: Annotated[float, values.duration("0s", "3650d")] = 30 * _DAY_S
    """How long a transcript stays in Redis; 0: not after the reply."""
    hotwords: Annotated[str, values.words] = ""
    """Names and terms that may come up anywhere, separated by commas; `/words` has those of one chat."""
    max_file_size_bytes: Annotated[int, values.size] = 2 * 10**9
    """The largest file that is downloaded."""
    shutdown_grace_s: Annotated[float, values.duration("0s", "10m")] = 8.0
    """How long the voice in hand may go on after a stop was asked for."""
    job_attempts: Annotated[int, values.number(1, 1000)] = 10
    """How often one voice is tried before it is given up with a reason."""
    redelivery_timeout_s: Annotated[float, values.duration("1s", "1h")] = 30.0
    """How soon the voice of a killed worker is given out again."""
    lease_ttl_s: Annotated[float, values.duration("2s", "10m")] = 30.0
    """How long a killed instance keeps others from starting on the same account."""
    sleep_threshold_s: Annotated[float, values.duration("0s", "1d")] = 60.0
    """Telegram's waits up to this long are slept through inside a call; longer ones put the work off."""
    max_concurrent_transmissions: Annotated[int, values.number(1, 16)] = 1
    """Downloads at the same time."""
    ping_interval_s: Annotated[float, values.duration("0.1s", "1h")] = 30.0
    """How often Telegram is asked whether it is still there."""
    ping_timeout_s: Annotated[float, values.duration("0.1s", "10m")] = 10.0
    """How long its answer may take before the connection counts as lost."""
    reconnect_pauses_s: Annotated[tuple[float, ...], NoDecode, values.pauses] = (5, 10, 20, 40, 80, 160, 300)
    """The pauses between attempts to reconnect; the last one repeats."""

    @property
    def session_file(self) -> Path:
        """The signed-in account: whoever has this file is that person."""
        return self.data_dir / f"{self.session_name}.session"

    @property
    def models_dir(self) -> Path:
        """Where models are downloaded to."""
        return self.data_dir / "models"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then the file."""
        return _Environment(settings_cls), dotenv_settings


class _SettingsForTelegram(Settings):
    """The same, with an account to sign in to."""

    api_id: Annotated[int, values.api_id]
    api_hash: Annotated[SecretStr, values.api_hash]


class _Environment(EnvSettingsSource):
    """The environment, with what stands in files that NAME_FILE names.

    Without gettext's own LANGUAGE, a list of locales such as `en_US:en` on most desktops.
    """

    def _load_env_vars(self) -> dict[str, str | None]:
        found = dict(super()._load_env_vars())
        if re.search("[_:.]", found.get("language") or ""):
            del found["language"]
        for name in (variable_name(field).lower() for field in Settings.model_fields):
            if not found.get(name) and (file := found.get(f"{name}_file")):
                found[name] = _secret(Path(file), found.get("language") or "")
        return found


def _secret(file: Path, language: str) -> str:
    """What stands in a file such as a Docker secret. Raises SettingsError."""
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        words = Words(language if language in LANGUAGES else LANGUAGES[0])
        raise SettingsError([words("setting_env_file", file=file, error=error)]) from None


def load_settings(env_file: Path = Path(".env"), *, needs_telegram: bool = True) -> Settings:
    """Read and check the settings; SettingsError names every mistake, and API_ID or API_HASH missing if needed."""
    kind = _SettingsForTelegram if needs_telegram else Settings
    try:
        return kind(_env_file=env_file)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([Words()("setting_env_file", file=env_file, error=error)]) from None
    words = Words(_language(env_file))
    mistakes = [_sentence(words, str(e["loc"][0]), e["type"], e.get("ctx", {})) for e in found]
    raise SettingsError(mistakes + typos(env_file))


def _sentence(words: Words, name: str, kind: str, ctx: dict[str, object]) -> str:
    return words("setting_missing" if kind == "missing" else kind, name=name, **ctx)


def _language(env_file: Path) -> str:
    """The language for complaints about settings that could not be read: Russian if it is itself one of them."""
    found = _Environment(Settings)().get("LANGUAGE") or _file_values(env_file).get("LANGUAGE") or ""
    return found.lower() if found.lower() in LANGUAGES else LANGUAGES[0]


def typos(env_file: Path = Path(".env")) -> list[str]:
    """A sentence for each name in the file that is almost, but not quite, one of ours."""
    known = {variable_name(field) for field in Settings.model_fields}
    words = Words(_language(env_file))
    guesses = {
        name: difflib.get_close_matches(name, known, n=1, cutoff=0.8) for name in _file_values(env_file).keys() - known
    }
    return [words("setting_typo", name=name, guess=guess[0]) for name, guess in sorted(guesses.items()) if guess]


def exposed(env_file: Path = Path(".env")) -> list[str]:
    """A sentence when other users of this machine can read the file, and the secrets in it."""
    if os.name != "posix" or not env_file.exists() or not env_file.stat().st_mode & 0o077:
        return []
    return [Words(_language(env_file))("setting_exposed", file=env_file)]


def _file_values(env_file: Path) -> dict[str, str]:
    try:
        found = dotenv_values(env_file, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return {}
    return {name.upper(): value for name, value in found.items() if value}
