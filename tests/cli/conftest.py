"""Fixtures."""

from command_line import folder

__all__ = ["folder"]
