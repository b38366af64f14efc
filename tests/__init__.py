"""Tests on real things: real Redis, real Whisper weights, the real client over real sockets."""
