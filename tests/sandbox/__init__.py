"""The sandbox, driven by ordinary kurigram clients."""
