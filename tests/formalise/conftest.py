"""Fixtures."""

from scripted_model import desk

__all__ = ["desk"]
