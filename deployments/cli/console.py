"""The console of the commands."""

import sys

from rich.console import Console


def make_console() -> Console:
    """Return a console; in a pipe it is 150 columns wide, since 80 would cut the tables."""
    return Console(width=None if sys.stdout.isatty() else 150)
