"""Signing in: `python userbot.py login` as its own process, at a terminal, against the sandbox."""
