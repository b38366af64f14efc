"""The whole program at work without a Telegram account: `python -m demo`."""
