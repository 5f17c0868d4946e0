"""`python -m flowhand_server`."""

from __future__ import annotations

import sys

from flowhand_server.program import main

if __name__ == "__main__":
    sys.exit(main())
