"""The program: a flat package in which the folder listing is the architecture (see docs/architecture.md)."""
