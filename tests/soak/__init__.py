"""Hours of traffic, compressed: memory, open files and Redis keys stay flat."""
