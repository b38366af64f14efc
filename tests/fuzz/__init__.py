"""Thousands of broken media files and commands through the real intake: no crash, no hang, no growth, no surprise."""
