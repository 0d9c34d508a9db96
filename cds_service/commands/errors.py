"""What a command tells the person at the terminal."""

from __future__ import annotations


class CommandError(Exception):
    """A command cannot do what was asked; the message says what to mend."""
