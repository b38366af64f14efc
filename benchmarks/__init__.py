"""Measurements of the real thing; what they showed is in README.md."""
