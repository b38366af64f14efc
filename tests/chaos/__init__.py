"""Many voices while everything goes wrong: `python -m tests.chaos --voices 200 --seed 1`."""
