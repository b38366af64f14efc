"""A Telegram of your own: a small MTProto server on 127.0.0.1 that an unmodified kurigram client talks to.

Run it inside a test (`async with Telegram() as telegram`) or on its own (`python -m sandbox --help`), and break it
as you like through `telegram.faults` or the control port (`sandbox.control.Control`).
"""

from .seen import SeenMessage, SentId
from .telegram import Telegram
from .world import Account, Chat

__all__ = ["Account", "Chat", "SeenMessage", "SentId", "Telegram"]
