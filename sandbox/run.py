"""Run a program as it is, with this Telegram in place of the real one.

`python -m sandbox.run [HOST:]PORT program.py …`
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from . import trust


def main() -> None:
    """Redirect the clients of this process, then become the program."""
    if len(sys.argv) < 3:
        sys.exit("usage: python -m sandbox.run [HOST:]PORT program.py [arguments…]")
    host, _, port = sys.argv[1].rpartition(":")
    trust.install(int(port), host or "127.0.0.1")
    sys.argv = sys.argv[2:]
    sys.path.insert(0, str(Path(sys.argv[0]).resolve().parent))
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
