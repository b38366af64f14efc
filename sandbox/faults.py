"""Everything that can go wrong at Telegram, on request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .world import Account, AuthKey

if TYPE_CHECKING:
    from .telegram import Telegram

Kind = Literal["error", "delay", "lose_answer", "down", "black_hole", "swallow", "truncate", "clock"]

REVOKED = {  # what each way of losing a session looks like from outside
    "AUTH_KEY_UNREGISTERED": 401,
    "SESSION_REVOKED": 401,
    "SESSION_EXPIRED": 401,
    "USER_DEACTIVATED": 401,
    "USER_DEACTIVATED_BAN": 401,
    "AUTH_KEY_DUPLICATED": 406,
}


@dataclass
class Rule:
    """One fault: what it meets (method, account), and how often or how long it lasts (None: until cleared)."""

    kind: Kind
    method: str | None = None
    account_id: int | None = None
    count: int | None = None
    until: float | None = None
    code: int = 0
    message: str = ""
    seconds: float = 0
    cut: bool = False
    too_long: bool = False
    keep_bytes: int = 0

    def meets(self, kind: Kind, method: str | None, account_id: int | None) -> bool:
        """Whether this rule speaks about that call."""
        return (
            self.kind == kind
            and self.method in (None, "*", method)
            and self.account_id in (None, account_id)
            and not self.spent
        )

    @property
    def spent(self) -> bool:
        """Whether this rule has done all it was asked to."""
        return self.count == 0 or (self.until is not None and time.monotonic() >= self.until)


class Faults:
    """The faults in force. Every one but `refuse` can be limited to one account; `clear()` ends them all."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self.rules: list[Rule] = []

    def take(self, kind: Kind, method: str | None = None, account_id: int | None = None) -> Rule | None:
        """The first rule that applies, counted as used."""
        self.rules = [rule for rule in self.rules if not rule.spent]
        rule = next((rule for rule in self.rules if rule.meets(kind, method, account_id)), None)
        if rule is not None and rule.count is not None:
            rule.count -= 1
        return rule

    def error(self, method: str, code: int, message: str, count: int = 1, account: Account | None = None) -> None:
        """Answer the next `count` calls of a method (`*`: of any) with this error."""
        self._add(Rule("error", method, _id(account), count, code=code, message=message))

    def flood(self, method: str, seconds: int, count: int = 1, account: Account | None = None) -> None:
        """Answer the next `count` calls of a method with FLOOD_WAIT."""
        self.error(method, 420, f"FLOOD_WAIT_{seconds}", count, account)

    def delay(self, method: str, seconds: float, count: int | None = None, account: Account | None = None) -> None:
        """Let a method take this much longer."""
        self._add(Rule("delay", method, _id(account), count, seconds=seconds))

    def lose_answer(self, method: str, count: int = 1, account: Account | None = None, cut: bool = False) -> None:
        """The call takes effect, but its answer is never sent; with `cut` the connection breaks as well."""
        self._add(Rule("lose_answer", method, _id(account), count, cut=cut))

    def cut(self, account: Account | None = None, seconds: float = 0) -> None:
        """Break the connections now, and every new one for this many seconds as soon as it says whose it is."""
        if seconds:
            self._add(Rule("down", account_id=_id(account), until=time.monotonic() + seconds))
        self._telegram.cut_connections(_id(account))

    def refuse(self, seconds: float, cut: bool = True) -> None:
        """Close the listening socket, so that connecting fails at once; with `cut` existing connections end too.

        A socket cannot refuse one account only: use `cut(account, seconds)` for that.
        """
        self._telegram.close_listener(seconds)
        if cut:
            self._telegram.cut_connections(None)

    def black_hole(self, seconds: float, account: Account | None = None) -> None:
        """Accept everything and answer nothing, on old connections and new ones."""
        self._add(Rule("black_hole", account_id=_id(account), until=time.monotonic() + seconds))

    def swallow_updates(
        self,
        seconds: float | None = None,
        count: int | None = None,
        account: Account | None = None,
        too_long: bool = False,
    ) -> None:
        """Store messages without telling anybody; with `too_long` say only that there is too much to tell."""
        until = None if seconds is None else time.monotonic() + seconds
        self._add(Rule("swallow", account_id=_id(account), count=count, until=until, too_long=too_long))

    def truncate_files(self, keep_bytes: int, count: int | None = None, account: Account | None = None) -> None:
        """Serve only the first bytes of every file, as if they were all there is."""
        self._add(Rule("truncate", account_id=_id(account), count=count, keep_bytes=keep_bytes))

    def stall_downloads(self, seconds: float, count: int | None = None, account: Account | None = None) -> None:
        """Never answer `upload.GetFile` calls that arrive in the next seconds."""
        until = time.monotonic() + seconds
        self._add(Rule("lose_answer", "upload.GetFile", _id(account), count, until))

    def expire_file_references(self, account: Account | None = None) -> None:
        """Make every file reference handed out so far useless."""
        epochs = self._telegram.world.reference_epochs
        for account_id in [account.id] if account else self._telegram.world.accounts:
            epochs[account_id] = epochs.get(account_id, 0) + 1
        self._telegram.touch()

    def revoke(self, account: Account, reason: str = "AUTH_KEY_UNREGISTERED") -> None:
        """End all sessions of an account; every further call gets this error."""
        for key in self._keys(account):
            if reason == "AUTH_KEY_UNREGISTERED":
                key.account_id = None  # the key itself stays good, for signing in again
            else:
                key.refusal = (REVOKED[reason], reason)
        self._telegram.touch()

    def forget_key(self, account: Account) -> None:
        """Forget the keys of an account, so that its packets get the transport error -404."""
        for key in self._keys(account):
            del self._telegram.world.keys[key.id]
        self._telegram.touch()

    def clock_offset(self, seconds: float, account: Account | None = None) -> None:
        """Shift the server's clock, so that clients seem to be early or late; 0 sets it right."""
        self.rules = [rule for rule in self.rules if rule.kind != "clock" or rule.account_id != _id(account)]
        if seconds:
            self._add(Rule("clock", account_id=_id(account), seconds=seconds))

    def clear(self) -> None:
        """End every fault; sessions revoked and keys forgotten stay so."""
        self.rules.clear()
        self._telegram.reopen_listener()

    def _add(self, rule: Rule) -> None:
        self.rules.append(rule)

    def _keys(self, account: Account) -> list[AuthKey]:
        return [key for key in self._telegram.world.keys.values() if key.account_id == account.id]


def _id(account: Account | None) -> int | None:
    return None if account is None else account.id
