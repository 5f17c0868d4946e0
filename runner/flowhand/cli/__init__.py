"""The command line, one file per noun. `main` is the console script `flowhand`."""

from flowhand.cli.program import main

__all__ = ["main"]
